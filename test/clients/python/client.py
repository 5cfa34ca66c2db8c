"""Sends a trace with the OpenTelemetry SDK for Python and writes what it sent
to stdout, as the JSON that client_test.go describes.

    python client.py PROTOCOL ENDPOINT

PROTOCOL is http/protobuf or grpc.
"""

import json
import logging
import os
import secrets
import sys
import time

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

protocol, endpoint = sys.argv[1:3]

# It warns of each attribute beyond a limit, which is what this client is after.
logging.getLogger("opentelemetry.attributes").setLevel(logging.ERROR)


def new_exporter():
    if protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http import Compression
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=endpoint + "/v1/traces", compression=Compression.Gzip)
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(endpoint=endpoint, insecure=True)
    raise ValueError("unknown protocol " + protocol)


def describe_value(v):
    if isinstance(v, bool):
        return {"boolValue": v}
    if isinstance(v, str):
        return {"stringValue": v}
    if isinstance(v, int):
        return {"intValue": str(v)}
    if isinstance(v, float):
        return {"doubleValue": repr(v)}
    return {"arrayValue": {"values": [describe_value(e) for e in v]}}


def describe_attributes(attributes):
    return [{"key": k, "value": describe_value(v)} for k, v in (attributes or {}).items()]


def flags(context):
    """This SDK sends whether the context is remote, but not W3C's flags."""
    return 0x100 | (0x200 if context and context.is_remote else 0)


def describe(span):
    context, scope = span.get_span_context(), span.instrumentation_scope
    return {
        "traceId": format(context.trace_id, "032x"),
        "spanId": format(context.span_id, "016x"),
        "parentSpanId": format(span.parent.span_id, "016x") if span.parent else "",
        "traceState": context.trace_state.to_header(),
        "flags": flags(span.parent),
        "name": span.name,
        "kind": span.kind.value + 1,  # the API counts from internal, OTLP from unspecified
        "startTimeUnixNano": str(span.start_time),
        "endTimeUnixNano": str(span.end_time),
        "status": {"code": span.status.status_code.value, "message": span.status.description or ""},
        "attributes": describe_attributes(span.attributes),
        "droppedAttributesCount": span.dropped_attributes,
        "events": [
            {
                "timeUnixNano": str(e.timestamp),
                "name": e.name,
                "attributes": describe_attributes(e.attributes),
                "droppedAttributesCount": e.dropped_attributes,
            }
            for e in span.events
        ],
        "droppedEventsCount": span.dropped_events,
        "links": [
            {  # this SDK does not send the trace state of a link
                "traceId": format(l.context.trace_id, "032x"),
                "spanId": format(l.context.span_id, "016x"),
                "flags": flags(l.context),
                "attributes": describe_attributes(l.attributes),
                "droppedAttributesCount": l.dropped_attributes,
            }
            for l in span.links
        ],
        "droppedLinksCount": span.dropped_links,
        "scope": {
            "name": scope.name,
            "version": scope.version or "",
            "attributes": describe_attributes(scope.attributes),
        },
        "scopeSchemaUrl": scope.schema_url or "",
        "resource": {"attributes": describe_attributes(span.resource.attributes)},
        "resourceSchemaUrl": span.resource.schema_url,
    }


class Recorder(SpanProcessor):
    """Collects every span that ends."""

    def __init__(self):
        self.sent = []

    def on_end(self, span):
        self.sent.append(describe(span))


recorder = Recorder()
provider = TracerProvider(
    resource=Resource.create(
        {"service.name": "client-python-" + protocol, "service.version": "1.2.3", "process.pid": os.getpid(), "host.ports": [1, 2]},
        schema_url="https://opentelemetry.io/schemas/1.37.0",
    ),
    span_limits=SpanLimits(
        max_span_attributes=16, max_events=3, max_links=2, max_event_attributes=3, max_link_attributes=2
    ),
)
provider.add_span_processor(recorder)
provider.add_span_processor(BatchSpanProcessor(new_exporter()))
tracer = provider.get_tracer(
    "kiseki.test/python", "4.5.6", "https://opentelemetry.io/schemas/1.38.0", {"scope.string": "v", "scope.int": 1}
)
other_tracer = provider.get_tracer("kiseki.test/other")

now = int(time.time()) * 1_000_000_000

# A caller elsewhere, whose span is not part of what is sent.
caller = SpanContext(
    trace_id=secrets.randbits(128),
    span_id=0x00F067AA0BA902B7,
    is_remote=True,
    trace_flags=TraceFlags(TraceFlags.SAMPLED),
    trace_state=TraceState([("vendor", "kiseki"), ("other", "1")]),
)
remote = trace.set_span_in_context(NonRecordingSpan(caller))

server = tracer.start_span(
    "GET /軌跡/{id}",
    context=remote,
    kind=SpanKind.SERVER,
    start_time=now + 123456789,
    attributes={
        "a.string": "straße", "a.empty": "", "a.bool": True, "a.false": False, "a.int": 42, "a.zero": 0,
        "a.max": 2**63 - 1, "a.min": -(2**63), "a.double": 0.1, "a.whole": 5.0, "a.inf": float("-inf"), "a.nan": float("nan"),
        "a.strings": ["x", "", "ü"], "a.ints": [1, -2, 3], "a.doubles": [0.5, 2.0], "a.bools": [True, False],
    },
)
server.add_event("started", {"e.string": "v", "e.int": 1}, now + 123456999)
server.add_event("", {}, now + 123457000)
server.record_exception(TypeError("no such thing"), timestamp=now + 123457001)
server.set_status(Status(StatusCode.ERROR, "it failed: ✗"))

in_server = trace.set_span_in_context(server, remote)
client = other_tracer.start_span(
    "call",
    context=in_server,
    kind=SpanKind.CLIENT,
    start_time=now + 200000001,
    links=[Link(server.get_span_context(), {"l.reason": "retry", "l.count": 2}), Link(caller)],
)
client.set_status(Status(StatusCode.OK))
client.end(now + 200000002)

# More of everything than the limits allow.
dropped = tracer.start_span("too much", context=in_server, kind=SpanKind.PRODUCER, start_time=now + 300000000)
for i in range(20):
    dropped.set_attribute(f"k{i}", i)
for i in range(5):
    dropped.add_event(f"e{i}", {"a": 1, "b": 2, "c": 3, "d": 4}, now + 300000100 + i)
for i in range(4):
    dropped.add_link(server.get_span_context(), {"a": 1, "b": 2, "c": 3})
dropped.end(now + 300000900)

for i, kind in enumerate([SpanKind.INTERNAL, SpanKind.CONSUMER]):
    t = now + 400000000 + i  # no duration
    tracer.start_span(f"kind {kind.name}", context=in_server, kind=kind, start_time=t).end(t)
server.end(now + 999999999)
tracer.start_span("a root", context=trace.set_span_in_context(trace.INVALID_SPAN), start_time=now + 1).end(now + 2)

provider.force_flush()
provider.shutdown()
json.dump(recorder.sent, sys.stdout)
