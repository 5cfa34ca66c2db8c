package corpus

import (
	"fmt"
	"math"
	"strconv"

	"github.com/kiseki-dev/kiseki/telemetry"
)

// schemaURL is the version of the semantic conventions the pods speak.
const schemaURL = "https://opentelemetry.io/schemas/1.37.0"

// The W3C trace flags of a sampled span, with OTLP's context-is-remote bits.
const (
	flagsLocal  = 0x101
	flagsRemote = 0x301
)

// failurePasses is the probability that a failed call fails its caller.
const failurePasses = 0.6

// request is what the spans of a trace have in common.
type request struct {
	trace           telemetry.TraceID
	user            string
	session, id     string
	product, word   string
	client, browser string
	order, variant  string
}

func (g *Generator) makePods() (pods []*pod) {
	for i := range g.shop.services {
		svc := &g.shop.services[i]
		for n := range svc.pods {
			hash := uint64(i*1000+n+1) * 0x9e3779b97f4a7c15
			name := fmt.Sprintf("%s-%08x-%05x", svc.name, uint32(i*7919+1)*2654435761, hash>>24&0xfffff)
			node := fmt.Sprintf("ip-10-4-%d-%d.eu-central-1.compute.internal", n%3, 10+(i*5+n*11)%60)
			p := &pod{service: i}
			for _, a := range [...][2]string{
				{"service.name", svc.name}, {"service.version", svc.version},
				{"service.instance.id", uuid(hash, hash*31)}, {"service.namespace", "shop"},
				{"deployment.environment.name", "production"}, {"k8s.namespace.name", "shop"},
				{"k8s.deployment.name", svc.name}, {"k8s.pod.name", name}, {"k8s.node.name", node}, {"host.name", name},
				{"cloud.provider", "aws"}, {"cloud.availability_zone", "eu-central-1" + string(rune('a'+n%3))},
				{"telemetry.sdk.language", svc.language.sdk}, {"telemetry.sdk.version", svc.language.sdkVersion},
			} {
				p.attrs = append(p.attrs, telemetry.Attr{Key: a[0], Value: telemetry.StringValue(a[1])})
			}
			p.attrs = append(p.attrs, telemetry.Attr{Key: "process.pid", Value: telemetry.IntValue(int64(1 + n%7))})
			p.reset()
			pods = append(pods, p)
		}
	}
	return pods
}

// trace makes one trace and hands its spans to their pods.
func (g *Generator) trace() {
	d := &g.draw
	g.now += d.exponential(g.interval)
	id := d.traceID()
	g.ids = append(g.ids, id)
	user := (d.from(g.shop.users)*73_939 + 17) % 100_000 // ranks spread over the ids
	hash := uint64(user+1) * 0xff51afd7ed558ccd
	session := hash ^ uint64(d.below(4))*0xc4ceb9fe1a85ec53
	reqHi, reqLo := d.rng.Uint64(), d.rng.Uint64()
	d.choice += 122
	order := g.orders - uint64(d.below(5000))
	root := g.shop.endpoints[d.from(g.shop.traffic)]
	if root.name == "POST /checkout" {
		g.orders++
		order = g.orders
	}
	w := d.from(g.shop.searches)
	r := request{
		trace:   id,
		user:    "usr_" + strconv.Itoa(1_000_000 + user)[1:],
		session: uuid(session, session*31),
		id:      uuid(reqHi, reqLo),
		product: strconv.Itoa(g.product()),
		word:    words[w/len(words)] + "+" + words[w%len(words)],
		client:  fmt.Sprintf("%d.%d.%d.%d", 80+(hash>>56)%100, hash>>48&255, hash>>40&255, hash>>32&255),
		browser: browsers[(hash>>20)%uint64(len(browsers))],
		order:   strconv.FormatUint(order, 10),
		variant: string(rune('A' + d.below(3))),
	}
	g.span(&r, root, nil, telemetry.SpanID{}, g.now)
}

func (g *Generator) product() int { return 100_000 + g.draw.from(g.shop.products)*7 }

// span makes the span of o, which starts at start, after all spans below it,
// as they end in this order. It returns when the span ended and whether it
// failed. p is the pod of the caller, nil for a root.
func (g *Generator) span(r *request, o *op, p *pod, parent telemetry.SpanID, start uint64) (end uint64, failed bool) {
	d := &g.draw
	flags := uint32(flagsLocal)
	if p == nil || p.service != o.service {
		p = g.podOf(o.service)
		flags = flagsRemote
	}
	if parent.IsZero() {
		flags = flagsLocal
	}
	id := d.spanID()
	own := float64(o.self) / float64(len(o.calls)+1)
	end = start + d.logNormal(own, sigma)
	for i := range o.calls {
		var passes bool
		end, passes = g.call(r, &o.calls[i], p, id, end)
		failed = failed || passes
		end += d.logNormal(own, sigma)
	}
	failed = failed || d.chance(o.failure)
	b := &p.pending
	s := telemetry.Span{
		TraceID: r.trace, SpanID: id, ParentID: parent, Start: start, End: end,
		Name: o.name, Kind: o.kind, Flags: flags, Scope: p.scope(g.shop, o.scope),
	}
	if failed {
		g.exception(r, p, &s)
	}
	s.Attrs.Start = uint32(len(b.Attrs))
	g.attributes(r, o, p, failed)
	s.Attrs.End = uint32(len(b.Attrs))
	b.Spans = append(b.Spans, s)
	g.spans++
	return end, failed
}

// call makes the spans of one call of an op.
func (g *Generator) call(r *request, c *call, p *pod, parent telemetry.SpanID, start uint64) (end uint64, failed bool) {
	d := &g.draw
	if !d.chance(c.p) {
		return start, false
	}
	n := c.min
	if c.max > c.min {
		n += d.below(c.max - c.min + 1)
	}
	end = start
	for range n {
		begin := end
		if c.parallel {
			begin = start + d.logNormal(20_000, 0.5)
		}
		e, f := g.span(r, c.op, p, parent, begin)
		end = max(end, e)
		failed = failed || f && d.chance(failurePasses)
	}
	return end, failed
}

func (g *Generator) podOf(service int) *pod {
	at := 0
	for i := range service {
		at += g.shop.services[i].pods
	}
	return g.pods[at+g.draw.below(g.shop.services[service].pods)]
}

// exception marks s as failed and adds the event.
func (g *Generator) exception(r *request, p *pod, s *telemetry.Span) {
	d, b := &g.draw, &p.pending
	lang := g.shop.services[p.service].language
	ex := &lang.exceptions[d.below(len(lang.exceptions))]
	msg := g.expand(r, ex.message)
	g.text = append(append(append(append(g.text[:0], ex.name...), ": "...), msg...), '\n')
	g.text = lang.stack(g.text, d.below(sites), d.below(40))
	at := uint32(len(b.Attrs))
	b.Attrs = append(b.Attrs,
		telemetry.Attr{Key: "exception.type", Value: telemetry.StringValue(ex.name)},
		telemetry.Attr{Key: "exception.message", Value: telemetry.StringValue(msg)},
		telemetry.Attr{Key: "exception.stacktrace", Value: telemetry.StringValue(string(g.text))})
	s.Status, s.StatusMessage = telemetry.StatusError, msg
	s.Events.Start = uint32(len(b.Events))
	b.Events = append(b.Events, telemetry.Event{
		Time: s.End - d.logNormal(30_000, 0.5)%(s.End-s.Start), Name: "exception",
		Attrs: telemetry.Range{Start: at, End: at + 3},
	})
	s.Events.End = uint32(len(b.Events))
}

// attributes appends the span's attributes to the pod's batch.
func (g *Generator) attributes(r *request, o *op, p *pod, failed bool) {
	b := &p.pending
	for i := range o.attrs {
		f := &o.attrs[i]
		v := telemetry.IntValue(f.number)
		switch {
		case f.text != "":
			v = g.value(r, f.text)
		case failed && f.key == "http.response.status_code":
			v = telemetry.IntValue(500)
		case failed && f.key == "rpc.grpc.status_code":
			v = telemetry.IntValue(14)
		}
		b.Attrs = append(b.Attrs, telemetry.Attr{Key: f.key, Value: v})
	}
	thread := g.draw.below(len(threadNames[0]))
	b.Attrs = append(b.Attrs,
		telemetry.Attr{Key: "code.function.name", Value: telemetry.StringValue(o.function)},
		telemetry.Attr{Key: "thread.id", Value: telemetry.IntValue(int64(20 + thread))},
		telemetry.Attr{Key: "thread.name", Value: telemetry.StringValue(threadNames[p.service][thread])})
}

// threadNames are the names of the threads of a pod of each service.
var threadNames = func() (names [notification + 1][16]string) {
	for i, s := range services() {
		for n := range names[i] {
			names[i][n] = s.language.thread + strconv.Itoa(n+1)
		}
	}
	return names
}()

// value is an attribute's value: a template, or one of the verbs that make a
// number.
func (g *Generator) value(r *request, text string) telemetry.Value {
	d := &g.draw
	switch text {
	case "#u":
		return telemetry.StringValue(r.user)
	case "#i":
		return telemetry.IntValue(int64(32768 + d.below(28000)))
	case "#n":
		return telemetry.IntValue(int64(math.Sqrt(float64(d.below(400)))))
	case "#f":
		return telemetry.DoubleValue(float64(d.below(1000)) / 1000)
	case "#O":
		return telemetry.IntValue(int64(880_000_000 + g.spans))
	}
	for i := range len(text) {
		if text[i] == '#' {
			return telemetry.StringValue(g.expand(r, text))
		}
	}
	return telemetry.StringValue(text)
}

// expand replaces the verbs of a template: the user u, session S, request R,
// product p, order P, search w, address c, browser b and variant v of the
// trace; a product r, quantity q, amount a, page offset o, small number k
// and gateway address g of the span's own.
func (g *Generator) expand(r *request, template string) string {
	d := &g.draw
	t := make([]byte, 0, 2*len(template)+16)
	for i := 0; i < len(template); i++ {
		if template[i] != '#' {
			t = append(t, template[i])
			continue
		}
		i++
		switch template[i] {
		case 'u':
			t = append(t, r.user...)
		case 'S':
			t = append(t, r.session...)
		case 'R':
			t = append(t, r.id...)
		case 'p':
			t = append(t, r.product...)
		case 'P':
			t = append(t, r.order...)
		case 'w':
			t = append(t, r.word...)
		case 'c':
			t = append(t, r.client...)
		case 'b':
			t = append(t, r.browser...)
		case 'v':
			t = append(t, r.variant...)
		case 'r':
			t = strconv.AppendInt(t, int64(g.product()), 10)
		case 'q':
			t = strconv.AppendInt(t, int64(1+d.below(4)), 10)
		case 'a':
			t = strconv.AppendInt(t, int64(199+10*d.below(2000)), 10)
		case 'o':
			t = strconv.AppendInt(t, int64(20*d.below(5)), 10)
		case 'k':
			t = strconv.AppendInt(t, int64(d.below(6)), 10)
		case 'g':
			t = strconv.AppendInt(append(t, "10.4.1."...), int64(10+d.below(10)), 10)
		}
	}
	return string(t)
}

func uuid(hi, lo uint64) string {
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", hi>>32, hi>>16&0xffff, hi&0xfff, lo>>52, lo&0xffffffffffff)
}
