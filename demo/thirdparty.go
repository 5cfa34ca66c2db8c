package demo

import (
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// paymentProvider stands for a company outside the shop. It does not trace:
// in a trace it is a client span that nobody answers. What it does depends on
// the card, see model.go.
type paymentProvider struct {
	mu       sync.Mutex
	attempts map[string]int // by idempotency key; kept for flaky cards only
}

func newPaymentProvider() *paymentProvider {
	return &paymentProvider{attempts: map[string]int{}}
}

func (p *paymentProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var charge chargeRequest
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&charge); err != nil {
		reply(w, http.StatusBadRequest, "malformed", err.Error())
		return
	}
	latency := 20*time.Millisecond + rand.N(60*time.Millisecond)
	if charge.Card == cardSlow {
		latency += 1200 * time.Millisecond
	}
	if work(r.Context(), latency) != nil {
		return
	}
	switch {
	case charge.Card == cardDeclined:
		reply(w, http.StatusPaymentRequired, "card_declined", "insufficient funds")
	case charge.Card == cardFlaky && p.attempt(charge.Order) <= 2:
		w.Header().Set("Retry-After", "1")
		reply(w, http.StatusServiceUnavailable, "issuer_unavailable", "the card's bank does not answer, try again")
	default:
		reply(w, http.StatusOK, "authorised", "")
	}
}

func (p *paymentProvider) attempt(key string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.attempts[key]++
	n := p.attempts[key]
	if n > 2 {
		delete(p.attempts, key)
	}
	return n
}

// mailProvider takes mails, and refuses addresses without an @.
func mailProvider(w http.ResponseWriter, r *http.Request) {
	var m mail
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&m); err != nil {
		reply(w, http.StatusBadRequest, "malformed", err.Error())
		return
	}
	if work(r.Context(), 5*time.Millisecond+rand.N(25*time.Millisecond)) != nil {
		return
	}
	if !strings.Contains(m.To, "@") {
		reply(w, http.StatusUnprocessableEntity, "bad_address", "the recipient has no valid address")
		return
	}
	reply(w, http.StatusOK, "accepted", "")
}

func reply(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(apiError{Code: code, Message: message})
}
