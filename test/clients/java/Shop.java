import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceId;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.Scope;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.time.Instant;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * A service that calls itself over HTTP and asks a database in its memory, all of it traced by the
 * agent, inside a span that holds one of everything the API offers.
 */
public final class Shop {
  private static final Tracer tracer =
      GlobalOpenTelemetry.get().tracerBuilder("kiseki.test/java").setInstrumentationVersion("4.5.6")
          .setSchemaUrl("https://opentelemetry.io/schemas/1.37.0").build();

  public static void main(String[] args) throws Exception {
    ExecutorService workers = Executors.newFixedThreadPool(2);
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(workers);
    server.createContext("/orders", exchange -> {
      byte[] body = customer().getBytes();
      exchange.sendResponseHeaders(exchange.getRequestURI().getPath().endsWith("0") ? 500 : 200, body.length);
      try (exchange) {
        exchange.getResponseBody().write(body);
      }
    });
    server.start();

    SpanContext caller = SpanContext.createFromRemoteParent(
        TraceId.fromLongs(ThreadLocalRandom.current().nextLong(), 1), "00f067aa0ba902b7",
        TraceFlags.getSampled(), TraceState.builder().put("other", "1").put("vendor", "kiseki").build());
    Span root = everything(Context.root().with(Span.wrap(caller)));
    try (Scope scope = root.makeCurrent()) {
      for (int i = 0; i < 2; i++) {
        HttpClient.newHttpClient().send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/orders/" + i)).build(),
            HttpResponse.BodyHandlers.ofString());
      }
      beyondLimits(root.getSpanContext(), caller);
    }
    root.end();
    server.stop(0);
    workers.shutdown();
    workers.awaitTermination(10, TimeUnit.SECONDS); // the server's spans end after its answers
  }

  private static String customer() {
    try (Connection db = DriverManager.getConnection("jdbc:h2:mem:shop")) {
      db.createStatement().execute("CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(20))");
      db.createStatement().execute("INSERT INTO customers VALUES (7, 'Ada')");
      PreparedStatement ask = db.prepareStatement("SELECT name FROM customers WHERE id = ?");
      ask.setInt(1, 7);
      try (ResultSet rows = ask.executeQuery()) {
        rows.next();
        return rows.getString(1);
      }
    } catch (java.sql.SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Span everything(Context parent) {
    Span span = tracer.spanBuilder("GET /軌跡/{id}").setParent(parent).setSpanKind(SpanKind.PRODUCER)
        .setStartTimestamp(Instant.now().minusSeconds(1)).startSpan();
    span.setAttribute("a.string", "straße\n\"\\").setAttribute("a.empty", "").setAttribute("a.bool", true).setAttribute("a.false", false);
    span.setAttribute("a.zero", 0).setAttribute("a.max", Long.MAX_VALUE).setAttribute("a.min", Long.MIN_VALUE);
    span.setAttribute("a.double", 0.1).setAttribute("a.whole", 5.0).setAttribute("a.tiny", Double.MIN_VALUE).setAttribute("a.inf", Double.NEGATIVE_INFINITY);
    span.setAttribute("a.nan", Double.NaN);
    span.setAllAttributes(Attributes.builder().put("a.strings", "x", "", "ü").put("a.ints", 1, -2, 3).put("a.doubles", 0.5, 2.0)
        .put("a.bools", true, false).build());
    span.setAttribute(AttributeKey.valueKey("a.map"), Value.of(
        KeyValue.of("bytes", Value.of(new byte[] {0, (byte) 255})),
        KeyValue.of("mixed", Value.of(Value.of("s"), Value.of(1), Value.of(0.5), Value.of(true), Value.empty()))));
    span.addEvent("started", Attributes.builder().put("e.string", "v").put("e.int", 1).build(), Instant.now());
    span.addEvent("");
    span.recordException(new IllegalStateException("no such thing"));
    return span.setStatus(StatusCode.ERROR, "it failed: ✗");
  }

  /** More events and links than the limits allow, which agent.sh sets. */
  private static void beyondLimits(SpanContext one, SpanContext other) {
    Span span = tracer.spanBuilder("too much").setSpanKind(SpanKind.CONSUMER)
        .addLink(one, Attributes.builder().put("l.reason", "retry").put("l.count", 2).build()).addLink(other).addLink(one).startSpan();
    for (int i = 0; i < 40; i++) {
      span.setAttribute("k" + i, i);
      span.addEvent("e" + i, Attributes.builder().put("a", 1).put("b", 2).put("c", 3).put("d", 4).put("e", 5).build());
    }
    span.setStatus(StatusCode.OK);
    span.end();
  }
}
