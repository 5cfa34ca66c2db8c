package main

import (
	"fmt"
	"io"
	"time"

	"github.com/kiseki-dev/kiseki/api/native"
)

// progressEvery is the time between two reports of progress.
const progressEvery = 2 * time.Second

// reporter writes a line of progress, at most one every progressEvery.
func reporter(w io.Writer) func(format string, args ...any) {
	last := time.Now()
	return func(format string, args ...any) {
		if now := time.Now(); now.Sub(last) >= progressEvery {
			last = now
			fmt.Fprintf(w, format+"\n", args...)
		}
	}
}

// whileWaiting writes a line of progress every progressEvery until the
// function it returns is called.
func whileWaiting(w io.Writer, what string) (stop func()) {
	done, stopped := make(chan struct{}), make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				fmt.Fprintf(w, "%s: %s\n", what, time.Since(begin).Round(time.Second))
			}
		}
	}()
	return func() {
		close(done)
		<-stopped
	}
}

// sayBackup reports how far a backup or a restore is.
func sayBackup(say func(format string, args ...any), b *native.Backup) {
	if b.TotalSegments == 0 {
		say("writing what is in memory")
		return
	}
	say("%d of %d segments, %d of %d MiB", b.SegmentCount, b.TotalSegments, b.Bytes>>20, b.TotalBytes>>20)
}
