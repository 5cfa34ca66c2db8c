import brave.Span;
import brave.Tracer;
import brave.Tracing;
import brave.handler.MutableSpan;
import brave.handler.SpanHandler;
import brave.propagation.TraceContext;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import zipkin2.reporter.BytesMessageSender;
import zipkin2.reporter.Encoding;
import zipkin2.reporter.brave.AsyncZipkinSpanHandler;
import zipkin2.reporter.urlconnection.URLConnectionSender;

/**
 * Sends spans with Brave, Zipkin's client for Java, and writes them to stdout as Zipkin's query API
 * is to answer them. Arguments: JSON or PROTO3, and Zipkin's URL.
 */
public final class BraveClient {
  public static void main(String[] args) throws IOException {
    List<Object> sent = new ArrayList<>();
    BytesMessageSender sender = URLConnectionSender.newBuilder().endpoint(args[1] + "/api/v2/spans").encoding(Encoding.valueOf(args[0])).build();
    AsyncZipkinSpanHandler reporter = AsyncZipkinSpanHandler.newBuilder(sender).closeTimeout(30, TimeUnit.SECONDS).build();
    SpanHandler recorder = new SpanHandler() {
      @Override
      public boolean end(TraceContext context, MutableSpan span, Cause cause) {
        sent.add(describe(span));
        return true;
      }
    };
    try (Tracing tracing = Tracing.newBuilder().localServiceName("Shop").localIp("10.0.0.1").localPort(8080)
        .traceId128Bit(true).supportsJoin(true).addSpanHandler(recorder).addSpanHandler(reporter).build()) {
      trace(tracing.tracer());
    }
    reporter.close(); // it sends what waits
    sender.close();
    byte[] text = Json.of(sent).getBytes(StandardCharsets.UTF_8);
    System.out.write(text, 0, text.length);
    System.out.flush();
  }

  private static void trace(Tracer tracer) {
    long now = System.currentTimeMillis() * 1000;
    Span client = tracer.newTrace().name("GET /軌跡").kind(Span.Kind.CLIENT).remoteServiceName("Bank").start(now);
    client.remoteIpAndPort("2001:db8::c001", 9000);
    client.tag("a", "straße\n\"\\").tag("empty", "").annotate(now + 3, "waiting").annotate(now + 4, "✗");
    Span server = tracer.joinSpan(client.context()).name("pay").kind(Span.Kind.SERVER).start(now + 1000); // shares the ID
    server.remoteIpAndPort("192.0.2.7", 0);
    Span local = tracer.newChild(server.context()).name("look").start(now + 1100);
    local.error(new IllegalStateException("no money")).finish(now + 1101);
    server.tag("error", "402").finish(now + 1999);
    client.finish(now + 2500);

    TraceContext caller = TraceContext.newBuilder().traceId(ThreadLocalRandom.current().nextLong() | 1L << 63)
        .spanId(0x00f067aa0ba902b7L).debug(true).build(); // 64 bits
    tracer.newChild(caller).name("send").kind(Span.Kind.PRODUCER).remoteServiceName("kafka").start(now).finish(now + 1);
    tracer.newChild(caller).name("take").kind(Span.Kind.CONSUMER).start(now + 2).finish(now + 9);
    Span open = tracer.newChild(caller).kind(Span.Kind.SERVER).start(now + 5);
    open.annotate(now + 6, "gone").flush(); // never ends
  }

  private static Map<String, Object> describe(MutableSpan span) {
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("traceId", span.traceId());
    o.put("parentId", span.parentId());
    o.put("id", span.id());
    o.put("kind", span.kind() == null ? null : span.kind().name());
    o.put("name", span.name());
    o.put("timestamp", span.startTimestamp());
    o.put("duration", span.finishTimestamp() == 0 ? null : span.finishTimestamp() - span.startTimestamp());
    o.put("localEndpoint", endpoint(span.localServiceName(), span.localIp(), span.localPort()));
    o.put("remoteEndpoint", endpoint(span.remoteServiceName(), span.remoteIp(), span.remotePort()));
    if (span.annotationCount() > 0) {
      o.put("annotations", span.annotations().stream().map(a -> Map.of("timestamp", a.getKey(), "value", a.getValue())).toList());
    }
    Map<String, String> tags = new LinkedHashMap<>(span.tags());
    if (span.error() != null) tags.putIfAbsent("error", span.error().getMessage());
    if (!tags.isEmpty()) o.put("tags", tags);
    if (span.debug()) o.put("debug", true);
    if (span.shared()) o.put("shared", true);
    return o;
  }

  private static Map<String, Object> endpoint(String service, String ip, int port) {
    if (service == null && ip == null) return null;
    Map<String, Object> o = new LinkedHashMap<>();
    o.put("serviceName", service);
    if (ip != null) o.put(ip.contains(":") ? "ipv6" : "ipv4", ip);
    if (port != 0) o.put("port", port);
    return o;
  }
}
