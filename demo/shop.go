// Package demo is a small shop whose services are traced with the library in
// instrument: something to look at in kiseki. Code to copy is in examples.
//
// Goals: every span is a real one, of a real HTTP request on a loopback port,
// a real SQL query or a message through a queue; nothing is replayed and no
// time is made up. The traces tell stories worth finding: a declined card, a
// bank that answers at the third attempt, a table locked by the stock-take,
// one query per product, a panic behind a degraded page, a queue for the one
// label printer. What a request meets is decided by its data (see the cards in
// model.go), so every story can be called up at will.
//
// A customer clicks in web; frontend asks catalog, currency, inventory and
// recommendation for pages, cart to remember, and checkout to sell. checkout
// asks payment, and announces the order on a queue that shipping and
// notification read. One file holds one service.
package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"
)

// Shop is a running shop.
type Shop struct {
	options   Options
	network   *network
	databases databases
	broker    broker
	services  []*service

	web       *web
	inventory *inventory

	// visiting ends at once when the shop closes, working when requests and
	// messages under way have had their moment.
	visiting, working context.Context
	stop, cut         context.CancelFunc
	visitors          sync.WaitGroup // customers and jobs
	consumers         sync.WaitGroup
}

// Open opens the shop without customers; call Run to let them in, and Close
// when done.
func Open(o Options) (*Shop, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kiseki-demo-")
	if err != nil {
		return nil, fmt.Errorf("create folder for the databases: %w", err)
	}
	s := &Shop{options: o, databases: databases{dir: dir}, network: newNetwork()}
	s.working, s.cut = context.WithCancel(context.Background())
	s.visiting, s.stop = context.WithCancel(s.working)
	if err := s.build(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// versions are the services and what is deployed of each.
var versions = map[string]string{
	"web":            "2026.11.2",
	"frontend":       "5.12.0",
	"catalog":        "1.8.3",
	"cart":           "1.3.1",
	"checkout":       "2.4.0",
	"payment":        "2.0.2",
	"inventory":      "3.1.0",
	"recommendation": "0.9.1",
	"shipping":       "1.2.7",
	"notification":   "1.0.4",
	"currency":       "1.1.0",
}

// build starts every service. After an error, Close frees what was started.
func (s *Shop) build() error {
	made := map[string]*service{}
	for name, version := range versions {
		svc, err := newService(name, version, s.options.Endpoint, s.network)
		if err != nil {
			return err
		}
		made[name] = svc
		s.services = append(s.services, svc)
	}
	inventory, err1 := newInventory(made["inventory"], &s.databases)
	catalog, err2 := newCatalog(made["catalog"], &s.databases)
	recommendation, err3 := newRecommendation(made["recommendation"], &s.databases)
	checkout, err4 := newCheckout(made["checkout"], &s.databases, &s.broker)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	s.inventory, s.web = inventory, &web{made["web"]}
	shipping := newShipping(made["shipping"])
	s.consume(shipping.consume, "shipping")
	s.consume((&notification{made["notification"]}).consume, "notification")
	for name, h := range map[string]http.Handler{
		"frontend":         (&frontend{made["frontend"]}).handler(),
		"catalog":          catalog.handler(),
		"cart":             newCart(made["cart"]).handler(),
		"checkout":         checkout.handler(),
		"payment":          (&payment{made["payment"]}).handler(),
		"inventory":        inventory.handler(),
		"recommendation":   recommendation.handler(),
		"shipping":         shipping.handler(),
		"currency":         (&currency{made["currency"]}).handler(),
		"payment-provider": newPaymentProvider(),
		"mail-provider":    http.HandlerFunc(mailProvider),
	} {
		if err := s.network.serve(name, h); err != nil {
			return err
		}
	}
	return nil
}

// consume runs a consumer group until the queue is closed and empty.
func (s *Shop) consume(f func(context.Context, <-chan message), group string) {
	queue := s.broker.subscribe(group)
	s.consumers.Go(func() { f(s.working, queue) })
}

// maxVisitors bounds the customers in the shop: when it is slow, more stay
// outside instead of piling up.
const maxVisitors = 200

// Run lets the customers of the opening tour in, then others at the rate of
// the options, until ctx ends. Call it once.
func (s *Shop) Run(ctx context.Context) {
	s.visitors.Go(func() { s.inventory.runJobs(s.visiting) })
	for _, c := range tour() {
		s.visitors.Go(func() { s.web.visit(s.visiting, s.working, c) })
	}
	if s.options.Rate == 0 {
		<-ctx.Done()
		return
	}
	source := rand.New(rand.NewPCG(s.options.Seed, 0))
	slots := make(chan struct{}, maxVisitors)
	door := time.NewTicker(time.Duration(float64(time.Second) / s.options.Rate))
	defer door.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-door.C:
		}
		c := nextCustomer(source, n)
		select {
		case slots <- struct{}{}:
			s.visitors.Go(func() {
				defer func() { <-slots }()
				s.web.visit(s.visiting, s.working, c)
			})
		default:
		}
	}
}

// Times of closing; together they stay below two seconds.
const (
	closeRequests = 600 * time.Millisecond  // for requests and messages under way
	closeExport   = 1100 * time.Millisecond // for the last spans to be sent
)

// Close ends all visits, lets requests under way finish for a moment, sends
// the remaining spans and frees everything. Call it once, after Run returned.
func (s *Shop) Close() error {
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), closeRequests)
	defer cancel()
	// Whatever outlives the moment is cut off, and what waits for it returns.
	defer context.AfterFunc(ctx, s.cut)()
	s.visitors.Wait()
	err := s.network.close(ctx)
	s.broker.close()
	s.consumers.Wait()
	s.cut()
	err = errors.Join(err, s.databases.close())
	ctx, cancel = context.WithTimeout(context.Background(), closeExport)
	defer cancel()
	s.deliver(ctx)
	return err
}
