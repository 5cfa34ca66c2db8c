package messagetrace

import (
	"strings"

	"go.opentelemetry.io/otel/propagation"
)

// KafkaHeaders carries a trace in headers of text keys and binary values, the
// shape of franz-go's kgo.RecordHeader, segmentio's kafka.Header and
// confluent's kafka.Header. A key that is there is replaced.
func KafkaHeaders[H ~struct {
	Key   string
	Value []byte
}](headers *[]H) propagation.TextMapCarrier {
	return &list[H]{
		headers: headers,
		split: func(h H) (string, string) {
			p := struct {
				Key   string
				Value []byte
			}(h)
			return p.Key, string(p.Value)
		},
		join: func(key, value string) H {
			return H(struct {
				Key   string
				Value []byte
			}{key, []byte(value)})
		},
	}
}

// BytesHeaders carries a trace in headers of binary keys and values, the
// shape of sarama's RecordHeader.
func BytesHeaders[H ~struct{ Key, Value []byte }](headers *[]H) propagation.TextMapCarrier {
	return &list[H]{
		headers: headers,
		split: func(h H) (string, string) {
			p := struct{ Key, Value []byte }(h)
			return string(p.Key), string(p.Value)
		},
		join: func(key, value string) H { return H(struct{ Key, Value []byte }{[]byte(key), []byte(value)}) },
	}
}

// list is a carrier over a slice of headers.
type list[H any] struct {
	headers *[]H
	split   func(H) (key, value string)
	join    func(key, value string) H
}

// Get implements propagation.TextMapCarrier.
func (l *list[H]) Get(key string) string {
	for _, h := range *l.headers {
		if k, v := l.split(h); strings.EqualFold(k, key) {
			return v
		}
	}
	return ""
}

// Values implements propagation.ValuesGetter.
func (l *list[H]) Values(key string) (values []string) {
	for _, h := range *l.headers {
		if k, v := l.split(h); strings.EqualFold(k, key) {
			values = append(values, v)
		}
	}
	return values
}

// Set implements propagation.TextMapCarrier. It makes a new slice, for the
// message may share its headers with others.
func (l *list[H]) Set(key, value string) {
	headers := make([]H, 0, len(*l.headers)+1)
	for _, h := range *l.headers {
		if k, _ := l.split(h); !strings.EqualFold(k, key) {
			headers = append(headers, h)
		}
	}
	*l.headers = append(headers, l.join(key, value))
}

// Keys implements propagation.TextMapCarrier.
func (l *list[H]) Keys() []string {
	keys := make([]string, len(*l.headers))
	for i, h := range *l.headers {
		keys[i], _ = l.split(h)
	}
	return keys
}

// Values carries a trace in a map of lists, the shape of nats.Header. The map
// must exist.
func Values[M ~map[string][]string](m M) propagation.TextMapCarrier {
	return mapOf[[]string]{
		m: m,
		get: func(v []string) string {
			if len(v) == 0 {
				return ""
			}
			return v[0]
		},
		make: func(s string) []string { return []string{s} },
	}
}

// Table carries a trace in a map of anything, the shape of amqp.Table. The
// map must exist.
func Table[M ~map[string]any](m M) propagation.TextMapCarrier {
	return mapOf[any]{
		m: m,
		get: func(v any) string {
			s, _ := v.(string)
			return s
		},
		make: func(s string) any { return s },
	}
}

// Attributes carries a trace in a map of values of any type, the shape of the
// message attributes of SQS and SNS. get returns the text of a value, or "";
// make makes a value of text:
//
//	messagetrace.Attributes(message.MessageAttributes,
//		func(v types.MessageAttributeValue) string { return aws.ToString(v.StringValue) },
//		func(s string) types.MessageAttributeValue {
//			return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(s)}
//		})
//
// The map must exist. SQS allows ten attributes in a message: trace context
// and baggage take three.
func Attributes[V any](m map[string]V, get func(V) string, make func(string) V) propagation.TextMapCarrier {
	return mapOf[V]{m: m, get: get, make: make}
}

// mapOf is a carrier over a map.
type mapOf[V any] struct {
	m    map[string]V
	get  func(V) string
	make func(string) V
}

// Get implements propagation.TextMapCarrier. Brokers change the case of names.
func (c mapOf[V]) Get(key string) string {
	if v, ok := c.m[key]; ok {
		return c.get(v)
	}
	for k, v := range c.m {
		if strings.EqualFold(k, key) {
			return c.get(v)
		}
	}
	return ""
}

// Set implements propagation.TextMapCarrier.
func (c mapOf[V]) Set(key, value string) {
	for k := range c.m {
		if k != key && strings.EqualFold(k, key) {
			delete(c.m, k)
		}
	}
	c.m[key] = c.make(value)
}

// Keys implements propagation.TextMapCarrier.
func (c mapOf[V]) Keys() []string {
	keys := make([]string, 0, len(c.m))
	for k := range c.m {
		keys = append(keys, k)
	}
	return keys
}
