package gate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// enter is Enter of a query that must get in.
func enter(t *testing.T, g *Gate, client string) func() {
	t.Helper()
	leave, err := g.Enter(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	return leave
}

// TestTurns: clients take turns, whoever came first.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Running: 1, Waiting: 10, Wait: time.Minute})
		leave := enter(t, g, "a")
		var order []string
		var done sync.WaitGroup
		for _, q := range []string{"a1", "a2", "a3", "b1", "b2", "c1"} {
			done.Go(func() {
				leave := enter(t, g, q[:1])
				order = append(order, q) // one runs at a time
				time.Sleep(time.Second)
				leave()
			})
			synctest.Wait()
		}
		leave()
		done.Wait()
		if got := fmt.Sprint(order); got != "[a1 b1 c1 a2 b2 a3]" {
			t.Errorf("the order is %s", got)
		}
		if s := g.Stats(); s.Running != 0 || s.Waiting != 0 || s.Admitted != 7 || s.Waited != 15*time.Second {
			t.Errorf("%+v", s)
		}
	})
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Running: 1, Waiting: 2, Wait: 8 * time.Second})
		leave := enter(t, g, "a")
		began := time.Now()
		wait := func(client string) chan error {
			ended := make(chan error, 1)
			go func() {
				leave, err := g.Enter(t.Context(), client)
				if err == nil {
					leave()
				}
				ended <- err
			}()
			synctest.Wait()
			return ended
		}
		first, second := wait("a"), wait("a")
		var busy *BusyError
		if _, err := g.Enter(t.Context(), "a"); !errors.As(err, &busy) || busy.RetryAfter != 2*time.Second {
			t.Errorf("the queue takes a third one: %v", err)
		}
		// Another client takes the place of the one that has two.
		other := wait("b")
		if err := <-second; !errors.As(err, &busy) {
			t.Errorf("the second of a client: %v", err)
		}
		if _, err := g.Enter(t.Context(), "c"); !errors.As(err, &busy) {
			t.Errorf("nobody has more than one, and yet a place is made: %v", err)
		}
		for _, ended := range []chan error{first, other} {
			if err := <-ended; !errors.As(err, &busy) {
				t.Errorf("after the longest wait: %v", err)
			}
		}
		if waited := time.Since(began); waited != 8*time.Second {
			t.Errorf("waited %s", waited)
		}
		leave()
		if s := g.Stats(); s.Refused != 5 || s.Waiting != 0 || s.Running != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Running: 1, Waiting: 2, Wait: time.Minute})
		leave := enter(t, g, "a")
		ctx, cancel := context.WithCancelCause(t.Context())
		ended := make(chan error)
		go func() {
			_, err := g.Enter(ctx, "b")
			ended <- err
		}()
		synctest.Wait()
		why := errors.New("went away")
		cancel(why)
		if err := <-ended; !errors.Is(err, why) {
			t.Errorf("ended with %v", err)
		}
		if s := g.Stats(); s.Waiting != 0 || s.Gone != 1 {
			t.Errorf("%+v", s)
		}
		leave()
		enter(t, g, "a")()
	})
}

// TestManyAtOnce: whatever the order of turns, ends and withdrawals, no more
// run than may, and all places are given back.
func TestManyAtOnce(t *testing.T) {
	g := New(Options{Running: 3, Waiting: 20, Wait: 2 * time.Millisecond})
	var running, ran atomic.Int64
	var done sync.WaitGroup
	for i := range 40 {
		done.Go(func() {
			for range 50 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*100*time.Microsecond)
				if leave, err := g.Enter(ctx, fmt.Sprint(i%7)); err == nil {
					if running.Add(1) > 3 {
						t.Error("more than three run")
					}
					time.Sleep(50 * time.Microsecond)
					ran.Add(1)
					running.Add(-1)
					leave()
				}
				cancel()
			}
		})
	}
	done.Wait()
	s := g.Stats()
	if s.Running != 0 || s.Waiting != 0 || s.Admitted != uint64(ran.Load()) || s.Admitted+s.Refused+s.Gone != 40*50 {
		t.Errorf("%d ran, %+v", ran.Load(), s)
	}
}

func BenchmarkEnter(b *testing.B) {
	g := New(Options{Running: 1})
	b.ReportAllocs()
	for b.Loop() {
		leave, err := g.Enter(b.Context(), "a")
		if err != nil {
			b.Fatal(err)
		}
		leave()
	}
}
