package corpus

import "strconv"

// scopeKind is a sort of instrumentation library.
type scopeKind int

const (
	scopeHTTPServer scopeKind = iota
	scopeHTTPClient
	scopeRPCServer
	scopeRPCClient
	scopeSQL
	scopeRedis
	scopeKafka
	scopeApp
	scopeCount
)

// library is an instrumentation scope.
type library struct{ name, version string }

// language is how the services written in it look from outside.
type language struct {
	sdk, sdkVersion string
	runtime         string
	thread          string // thread.name up to its number
	scopes          [scopeCount]library
	exceptions      []exception
	frame           func(dst []byte, frame string, line int) []byte
	frames          []string
}

// exception is a type of failure with its message, a template.
type exception struct{ name, message string }

var golang = language{
	sdk: "go", sdkVersion: "1.38.0", runtime: "go", thread: "goroutine-",
	scopes: [scopeCount]library{
		{"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", "0.63.0"}, {"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", "0.63.0"},
		{"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc", "0.63.0"}, {"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc", "0.63.0"},
		{"github.com/XSAM/otelsql", "0.40.0"}, {"github.com/redis/go-redis/extra/redisotel", "9.14.0"}, {"github.com/twmb/franz-go/plugin/kotel", "1.6.0"}, {"shop", ""},
	},
	exceptions: []exception{
		{"*net.OpError", "dial tcp 10.4.#k.17:6379: connect: connection refused"}, {"context.deadlineExceededError", "context deadline exceeded"},
		{"*pq.Error", "pq: deadlock detected while updating row #r"}, {"*errors.errorString", "unexpected EOF reading response of request #R"},
	},
	frame: func(dst []byte, frame string, line int) []byte {
		dst = append(append(append(dst, frame...), "(0xc000#, 0x1)\n\t/src/"...), frame...)
		return append(strconv.AppendInt(append(dst, ".go:"...), int64(line), 10), " +0x1d4\n"...)
	},
	frames: []string{"runtime/debug.Stack", "shop/errors.Wrap", "shop/store.(*DB).Query", "shop/cache.(*Client).Do", "shop/retry.Do", "shop/api.(*Server).handle",
		"shop/middleware.Recover.func1", "shop/middleware.Trace.func1", "net/http.HandlerFunc.ServeHTTP", "google.golang.org/grpc.(*Server).processUnaryRPC",
		"google.golang.org/grpc.(*Server).handleStream", "google.golang.org/grpc.(*Server).serveStreams.func2.1"},
}

var java = language{
	sdk: "java", sdkVersion: "1.55.0", runtime: "OpenJDK Runtime Environment", thread: "http-nio-8080-exec-",
	scopes: [scopeCount]library{
		{"io.opentelemetry.tomcat-10.0", "2.21.0-alpha"}, {"io.opentelemetry.java-http-client", "2.21.0-alpha"}, {"io.opentelemetry.grpc-1.6", "2.21.0-alpha"}, {"io.opentelemetry.grpc-1.6", "2.21.0-alpha"},
		{"io.opentelemetry.jdbc", "2.21.0-alpha"}, {"io.opentelemetry.lettuce-5.1", "2.21.0-alpha"}, {"io.opentelemetry.kafka-clients-2.6", "2.21.0-alpha"}, {"io.opentelemetry.opentelemetry-instrumentation-annotations-1.16", "2.21.0-alpha"},
	},
	exceptions: []exception{
		{"java.net.SocketTimeoutException", "Read timed out"}, {"org.postgresql.util.PSQLException", "ERROR: could not serialize access due to concurrent update of #r"},
		{"java.lang.NullPointerException", "Cannot invoke \"com.shop.Money.amount()\" because the return value of \"com.shop.Product.price()\" is null"},
		{"com.shop.payment.CardDeclinedException", "card declined for order #P: insufficient funds"}, {"io.lettuce.core.RedisCommandTimeoutException", "Command timed out after 250 millisecond(s)"},
	},
	frame: func(dst []byte, frame string, line int) []byte {
		dst = append(append(append(dst, "\tat "...), frame...), "(Source.java:"...)
		return append(strconv.AppendInt(dst, int64(line), 10), ")\n"...)
	},
	frames: []string{"com.shop.store.Repository.execute", "com.shop.store.Transactions.inTransaction", "com.shop.api.Handlers.lambda$handle$3", "org.springframework.aop.framework.ReflectiveMethodInvocation.proceed",
		"org.springframework.transaction.interceptor.TransactionAspectSupport.invokeWithinTransaction", "org.springframework.web.servlet.DispatcherServlet.doDispatch", "org.springframework.web.servlet.FrameworkServlet.processRequest",
		"jakarta.servlet.http.HttpServlet.service", "org.apache.catalina.core.ApplicationFilterChain.internalDoFilter", "org.apache.catalina.core.StandardWrapperValve.invoke",
		"org.apache.coyote.http11.Http11Processor.service", "org.apache.tomcat.util.net.NioEndpoint$SocketProcessor.doRun", "java.base/java.lang.Thread.run"},
}

var node = language{
	sdk: "nodejs", sdkVersion: "2.2.0", runtime: "nodejs", thread: "worker-",
	scopes: [scopeCount]library{
		{"@opentelemetry/instrumentation-http", "0.208.0"}, {"@opentelemetry/instrumentation-undici", "0.19.0"}, {"@opentelemetry/instrumentation-grpc", "0.208.0"}, {"@opentelemetry/instrumentation-grpc", "0.208.0"},
		{"@opentelemetry/instrumentation-pg", "0.61.0"}, {"@opentelemetry/instrumentation-ioredis", "0.56.0"}, {"@opentelemetry/instrumentation-kafkajs", "0.18.0"}, {"storefront", "5.12.0"},
	},
	exceptions: []exception{
		{"TypeError", "Cannot read properties of undefined (reading 'price')"}, {"AbortError", "The operation was aborted due to timeout"},
		{"ServiceError", "14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED 10.4.#k.17:9090"}, {"RangeError", "Invalid quantity #q for product #p"},
	},
	frame: func(dst []byte, frame string, line int) []byte {
		dst = append(append(append(dst, "    at "...), frame...), " (/app/node_modules/.pnpm/dist/"...)
		dst = strconv.AppendInt(append(append(dst, frame...), ".js:"...), int64(line), 10)
		return append(dst, ":17)\n"...)
	},
	frames: []string{"ProductCard.render", "renderToReadableStream", "Router.dispatch", "callErrorFromStatus", "Object.onReceiveStatus", "Http2CallStream.outputStatus", "process.processTicksAndRejections",
		"AsyncLocalStorage.run", "Layer.handle", "next", "Server.emit"},
}

var python = language{
	sdk: "python", sdkVersion: "1.38.0", runtime: "cpython", thread: "ThreadPoolExecutor-0_",
	scopes: [scopeCount]library{
		{"opentelemetry.instrumentation.fastapi", "0.59b0"}, {"opentelemetry.instrumentation.httpx", "0.59b0"}, {"opentelemetry.instrumentation.grpc", "0.59b0"}, {"opentelemetry.instrumentation.grpc", "0.59b0"},
		{"opentelemetry.instrumentation.psycopg", "0.59b0"}, {"opentelemetry.instrumentation.redis", "0.59b0"}, {"opentelemetry.instrumentation.aiokafka", "0.59b0"}, {"shop", ""},
	},
	exceptions: []exception{
		{"ValueError", "could not convert string to float: ''"}, {"redis.exceptions.TimeoutError", "Timeout reading from socket"}, {"KeyError", "'#p'"},
		{"httpx.ReadTimeout", "The read operation timed out after request #R"},
	},
	frame: func(dst []byte, frame string, line int) []byte {
		dst = append(append(append(dst, "  File \"/app/"...), frame...), ".py\", line "...)
		dst = append(strconv.AppendInt(dst, int64(line), 10), ", in "...)
		return append(append(dst, frame...), "\n    return await self._call(request, timeout=self.timeout)\n"...)
	},
	frames: []string{"recommendation/model/ranker", "recommendation/store/affinity", "starlette/routing", "starlette/middleware/errors", "fastapi/applications", "grpc/aio/_server", "redis/asyncio/client",
		"redis/asyncio/connection", "httpx/_transports/default", "concurrent/futures/thread"},
}

// stack appends a stack trace of 500 to 1500 bytes. A site is one of the few
// places a service fails at; line varies its first frame.
func (l *language) stack(dst []byte, site, line int) []byte {
	start, size := len(dst), 520+site*53
	for i := 0; len(dst)-start < size; i++ {
		f := l.frames[(site+i)%len(l.frames)]
		n := 30 + (site*131+i*37+len(f)*11)%700
		if i == 0 {
			n += line
		}
		dst = l.frame(dst, f, n)
	}
	return dst[:min(len(dst), start+1500)]
}

// sites is the number of places where a service fails.
const sites = 16

var words = []string{"red", "wool", "shoes", "lamp", "oak", "table", "garden", "chair", "cotton", "shirt", "steel", "knife", "travel", "mug", "linen",
	"desk", "winter", "jacket", "running", "bottle", "leather", "bag", "ceramic", "pan", "light", "kids", "bike", "rain", "tent", "bamboo"}

var browsers = []string{
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
	"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
	"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
	"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
	"ShopApp/7.4.1 (Android 15; SM-S931B)", "ShopApp/7.4.1 (iOS 18.6; iPhone17,1)", "ShopApp/7.3.9 (Android 14; Pixel 8)",
}
