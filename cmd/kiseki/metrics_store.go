package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/kiseki-dev/kiseki/storage"
)

// storeCollector reads the store's counters when they are asked for.
type storeCollector struct{ store *storage.Store }

func newStoreCollector(s *storage.Store) *storeCollector { return &storeCollector{s} }

// Describe implements [prometheus.Collector].
func (c *storeCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements [prometheus.Collector].
func (c *storeCollector) Collect(chan<- prometheus.Metric) {}
