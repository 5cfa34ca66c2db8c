package xray

import (
	"encoding/json"
	"net/http"
	"time"
)

// The default rule says to sample everything: what is too much is for retention
// to thin out, once it is known what a trace is worth. X-Ray's own default is
// one request a second and 5 % of the others.
const (
	ruleName      = "Default"
	ruleFixedRate = 1
	// ruleReservoir is how many requests a second are sampled whatever the rate.
	ruleReservoir = 1
	// targetInterval is how often, in seconds, clients tell what they sampled,
	// and quotaTTL how long what they are told then holds, as X-Ray has it.
	targetInterval = 10
	quotaTTL       = 60 * time.Second
	// maxSampling bounds the body of a question, in bytes.
	maxSampling = 1 << 20
)

// ruleModified is when the default rule last changed, in Unix seconds.
const ruleModified = 1_750_000_000

type samplingRule struct {
	Attributes                                                        map[string]string
	FixedRate                                                         float64
	HTTPMethod, Host, ResourceARN, RuleName, ServiceName, ServiceType string
	Priority, ReservoirSize, Version                                  int
	URLPath                                                           string
}

type ruleRecord struct {
	CreatedAt, ModifiedAt int64
	SamplingRule          samplingRule
}

// serveRules answers GetSamplingRules.
func serveRules(w http.ResponseWriter, r *http.Request) {
	if !readSampling(w, r, &struct{ NextToken *string }{}) {
		return
	}
	answer(w, http.StatusOK, map[string]any{"NextToken": nil, "SamplingRuleRecords": []ruleRecord{{ruleModified, ruleModified, samplingRule{
		Attributes: map[string]string{}, FixedRate: ruleFixedRate, HTTPMethod: "*", Host: "*", ResourceARN: "*", RuleName: ruleName,
		ServiceName: "*", ServiceType: "*", Priority: 10000, ReservoirSize: ruleReservoir, Version: 1, URLPath: "*",
	}}}})
}

type samplingTarget struct {
	FixedRate         float64
	Interval          int
	ReservoirQuota    int
	ReservoirQuotaTTL int64
	RuleName          string
}

type unprocessedStatistics struct{ ErrorCode, Message, RuleName string }

// serveTargets answers SamplingTargets.
func serveTargets(w http.ResponseWriter, r *http.Request) {
	var request struct {
		SamplingStatisticsDocuments []struct{ RuleName string }
	}
	if !readSampling(w, r, &request) {
		return
	}
	targets, unknown := []samplingTarget{}, []unprocessedStatistics{}
	for _, d := range request.SamplingStatisticsDocuments {
		if d.RuleName == ruleName {
			targets = append(targets, samplingTarget{ruleFixedRate, targetInterval, ruleReservoir, time.Now().Add(quotaTTL).Unix(), ruleName})
		} else {
			unknown = append(unknown, unprocessedStatistics{"RuleNotFound", "there is only the rule " + ruleName, d.RuleName})
		}
	}
	answer(w, http.StatusOK, map[string]any{
		"LastRuleModification": ruleModified, "SamplingTargetDocuments": targets, "UnprocessedStatistics": unknown,
	})
}

// readSampling reads a question; it has answered one that is none.
func readSampling(w http.ResponseWriter, r *http.Request, to any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSampling)).Decode(to)
	if err != nil && err.Error() != "EOF" { // nothing asks for all
		fail(w, http.StatusBadRequest, "InvalidRequestException", "read body: "+err.Error())
		return false
	}
	return true
}

// fail answers as X-Ray's API does.
func fail(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("X-Amzn-Errortype", kind)
	answer(w, status, map[string]string{"__type": kind, "Message": message})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that does not wait for its answer loses it
}
