package crash

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	rounds = flag.Int("rounds", 20, "how often to kill the server")
	seed   = flag.Uint64("seed", 0, "the seed of a run to repeat; 0 takes a new one")
)

// newRand is seeded by the flag or anew, and prints the seed.
func newRand(t *testing.T) *rand.Rand {
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with -seed %d", s)
	return rand.New(rand.NewPCG(s, 0))
}

// TestKill kills the server at a random moment of ingestion, in every round,
// and asks for all that it acknowledged in that round; after the last round
// for all that it acknowledged in any of them. Segments are small so that
// many kills hit a flush.
func TestKill(t *testing.T) {
	n := *rounds
	if testing.Short() {
		n = min(n, 3)
	}
	r, bin, data := newRand(t), build(t), t.TempDir()
	var all []sent
	for round := 1; round <= n; round++ {
		s := start(t, bin, data, "--flush-bytes", "1MiB")
		acked := load(t, s, r, 6, 1<<30, 200)
		time.Sleep(time.Duration(50+r.IntN(700)) * time.Millisecond) // the random moment
		s.kill()
		fresh := acked()
		all = append(all, fresh...)

		s = start(t, bin, data)
		found, err := verify(t.Context(), s, fresh)
		if err != nil {
			t.Fatalf("round %d: %v\nlog after the restart:\n%s", round, err, killed(s))
		}
		t.Logf("round %d: %d spans in %d acknowledged requests found again, ready after %v", round, found, len(fresh), s.startup.Round(time.Millisecond))
		s.kill()
	}
	s := start(t, bin, data)
	found, err := verify(t.Context(), s, all)
	if err != nil {
		t.Fatalf("after all rounds: %v\nlog:\n%s", err, killed(s))
	}
	t.Logf("after %d rounds all %d acknowledged spans are there", n, found)
	if err := s.stop(); err != nil {
		t.Errorf("stopped with %v\nlog:\n%s", err, s.log.String())
	}
}

// TestRestartWithFullLog measures how long a server that was killed with a
// well filled log takes to be ready. The goal is 2 s; the bound is generous
// because the test must not fail on a busy machine.
func TestRestartWithFullLog(t *testing.T) {
	const bound = 10 * time.Second
	r, bin, data := newRand(t), build(t), t.TempDir()
	requests := 1000
	if testing.Short() {
		requests = 100
	}
	s := start(t, bin, data, "--flush-bytes", "512MiB") // keep all of it in the log
	acked := load(t, s, r, 8, requests, 320)()
	s.kill()
	s = start(t, bin, data, "--flush-bytes", "512MiB")
	found, err := verify(t.Context(), s, acked[:len(acked)/20])
	if err != nil {
		t.Fatalf("%v\nlog after the restart:\n%s", err, killed(s))
	}
	var spans int
	for _, a := range acked {
		spans += len(a.spans)
	}
	t.Logf("ready %v after the start with %d spans in the log (goal 2s); %d of them looked up", s.startup.Round(time.Millisecond), spans, found)
	if s.startup > bound {
		t.Errorf("took %v, more than %v", s.startup, bound)
	}
}

// verify asks for every acknowledged span and returns how many there are. A
// span must be there once, as it was sent.
func verify(ctx context.Context, s *server, acked []sent) (found int, err error) {
	for _, a := range acked {
		names, err := s.names(ctx, a.id)
		if err != nil {
			return found, err
		}
		for id, name := range a.spans {
			if got := names[id]; len(got) != 1 || got[0] != name {
				return found, fmt.Errorf("trace %s span %s %q was acknowledged; found %q", a.id, id, name, got)
			}
			found++
		}
		if len(names) != len(a.spans) {
			return found, fmt.Errorf("trace %s has %d spans; %d were sent", a.id, len(names), len(a.spans))
		}
	}
	return found, nil
}

// killed ends the server and returns its log.
func killed(s *server) string {
	s.kill()
	return s.log.String()
}
