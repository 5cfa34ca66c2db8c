import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.autoconfigure.spi.AutoConfigurationCustomizer;
import io.opentelemetry.sdk.autoconfigure.spi.AutoConfigurationCustomizerProvider;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * An extension of the agent: it collects every span that ends and writes them to stdout when the
 * program ends, as the JSON that doc.go describes.
 */
public final class Recorder implements AutoConfigurationCustomizerProvider, SpanProcessor {
  private final Queue<Object> sent = new ConcurrentLinkedQueue<>();

  @Override
  public void customize(AutoConfigurationCustomizer customizer) {
    customizer.addTracerProviderCustomizer((builder, config) -> builder.addSpanProcessor(this));
  }

  @Override
  public boolean isStartRequired() {
    return false;
  }

  @Override
  public void onStart(Context parent, ReadWriteSpan span) {}

  @Override
  public boolean isEndRequired() {
    return true;
  }

  @Override
  public void onEnd(ReadableSpan span) {
    sent.add(describe(span.toSpanData()));
  }

  @Override
  public CompletableResultCode shutdown() {
    byte[] text = Json.of(new ArrayList<>(sent)).getBytes(StandardCharsets.UTF_8);
    System.out.write(text, 0, text.length);
    System.out.flush();
    return CompletableResultCode.ofSuccess();
  }

  private static Map<String, Object> describe(SpanData span) {
    Map<String, Object> o = context(span.getSpanContext());
    SpanContext parent = span.getParentSpanContext();
    o.put("flags", flags(span.getSpanContext(), parent));
    if (parent.isValid()) o.put("parentSpanId", parent.getSpanId());
    o.put("name", span.getName());
    o.put("kind", span.getKind().ordinal() + 1); // the API counts from internal, OTLP from unspecified
    o.put("startTimeUnixNano", Long.toString(span.getStartEpochNanos()));
    o.put("endTimeUnixNano", Long.toString(span.getEndEpochNanos()));
    int status = switch (span.getStatus().getStatusCode()) {
      case UNSET -> 0;
      case OK -> 1;
      case ERROR -> 2;
    };
    o.put("status", Map.of("code", status, "message", span.getStatus().getDescription()));
    attributes(o, span.getAttributes(), span.getTotalAttributeCount());
    o.put("events", span.getEvents().stream().map(e -> {
      Map<String, Object> event = new LinkedHashMap<>();
      event.put("timeUnixNano", Long.toString(e.getEpochNanos()));
      event.put("name", e.getName());
      attributes(event, e.getAttributes(), e.getTotalAttributeCount());
      return event;
    }).toList());
    o.put("droppedEventsCount", span.getTotalRecordedEvents() - span.getEvents().size());
    o.put("links", span.getLinks().stream().map(l -> {
      Map<String, Object> link = context(l.getSpanContext());
      link.put("flags", flags(l.getSpanContext(), l.getSpanContext()));
      attributes(link, l.getAttributes(), l.getTotalAttributeCount());
      return link;
    }).toList());
    o.put("droppedLinksCount", span.getTotalRecordedLinks() - span.getLinks().size());
    var scope = span.getInstrumentationScopeInfo();
    Map<String, Object> s = new LinkedHashMap<>();
    s.put("name", scope.getName());
    s.put("version", scope.getVersion());
    attributes(s, scope.getAttributes(), scope.getAttributes().size());
    o.put("scope", s);
    o.put("scopeSchemaUrl", scope.getSchemaUrl());
    Map<String, Object> resource = new LinkedHashMap<>();
    attributes(resource, span.getResource().getAttributes(), span.getResource().getAttributes().size());
    o.put("resource", resource);
    o.put("resourceSchemaUrl", span.getResource().getSchemaUrl());
    return o;
  }

  private static Map<String, Object> context(SpanContext c) {
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("traceId", c.getTraceId());
    o.put("spanId", c.getSpanId());
    List<String> state = new ArrayList<>();
    c.getTraceState().forEach((k, v) -> state.add(k + "=" + v));
    o.put("traceState", String.join(",", state));
    return o;
  }

  /** The flags of OTLP: those of W3C, that it is known whether a context is remote, and that it is. */
  private static int flags(SpanContext own, SpanContext other) {
    return own.getTraceFlags().asByte() | 0x100 | (other.isRemote() ? 0x200 : 0);
  }

  private static void attributes(Map<String, Object> o, Attributes attributes, int total) {
    List<Object> list = new ArrayList<>();
    attributes.forEach((key, value) -> list.add(Map.of("key", key.getKey(), "value", any(value))));
    o.put("attributes", list);
    o.put("droppedAttributesCount", total - list.size());
  }

  private static Map<String, Object> any(Object v) {
    if (v instanceof Value<?> value) v = value.getValue();
    if (v instanceof String) return Map.of("stringValue", v);
    if (v instanceof Boolean) return Map.of("boolValue", v);
    if (v instanceof Long) return Map.of("intValue", v.toString());
    if (v instanceof Double) return Map.of("doubleValue", v.toString());
    if (v instanceof ByteBuffer buffer) {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.duplicate().get(bytes);
      return Map.of("bytesValue", Base64.getEncoder().encodeToString(bytes));
    }
    if (v instanceof List<?> list) {
      if (!list.isEmpty() && list.get(0) instanceof KeyValue) {
        List<Object> values = new ArrayList<>();
        for (Object e : list) {
          KeyValue pair = (KeyValue) e;
          values.add(Map.of("key", pair.getKey(), "value", any(pair.getValue())));
        }
        return Map.of("kvlistValue", Map.of("values", values));
      }
      return Map.of("arrayValue", Map.of("values", list.stream().map(Recorder::any).toList()));
    }
    return Map.of(); // the empty value
  }
}
