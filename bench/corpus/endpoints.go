package corpus

import "time"

// endpoint is a root operation with its share of the traffic.
type endpoint struct {
	op     *op
	weight float64
}

// mostItems is the most products of an order. It sets the size of the largest
// trace: an order of so many items in which everything happens has 60 spans.
const mostItems = 9

func endpoints() []endpoint {
	return []endpoint{
		{home(), 16}, {product(), 30}, {searchPage(), 15}, {stock(), 9}, {showCart(), 10},
		{addToCart(), 9}, {placeOrder(), 4}, {showOrder(), 4}, {login(), 3},
	}
}

func price(svc int) *op {
	return internal(svc, "pricing.Apply", "shop.pricing.Engine.apply", 250*time.Microsecond, field{key: "shop.currency", text: "EUR"})
}

func recommend(from int) *op {
	return rpc(from, recommendation, "RecommendationService/ForUser", 4*time.Millisecond,
		one(redis(recommendation, "ZREVRANGE", "ZREVRANGE affinity:#u 0 24 WITHSCORES")),
		one(internal(recommendation, "model.rank", "recommendation.model.Ranker.rank", 6*time.Millisecond,
			field{key: "shop.model.version", text: "als-2025-12-#k"})))
}

func getCart(from int) *op {
	return rpc(from, cart, "CartService/GetCart", 600*time.Microsecond, one(redis(cart, "HGETALL", "HGETALL cart:#u")))
}

func getProduct(from int) *op {
	return rpc(from, catalog, "CatalogService/GetProduct", 900*time.Microsecond,
		one(redis(catalog, "GET", "GET product:#r")),
		maybe(0.3, sql(catalog, "SELECT", "products",
			"SELECT id, sku, title, description, price_cents, currency FROM products WHERE id = #r AND deleted_at IS NULL")))
}

func reserve() *op {
	return rpc(checkout, inventory, "InventoryService/Reserve", time.Millisecond,
		one(sql(inventory, "UPDATE", "stock", "UPDATE stock SET reserved = reserved + #q WHERE product_id = #r AND warehouse_id = #k")))
}

func home() *op {
	return page(storefront, "GET", "/", "/", "storefront.pages.home.render", 200,
		one(recommend(storefront)), one(getCart(storefront)),
		batch(1, 4, getProduct(storefront)), one(price(storefront)))
}

func product() *op {
	return page(storefront, "GET", "/product/{id}", "/product/#p", "storefront.pages.product.render", 200,
		one(rpc(storefront, catalog, "CatalogService/GetProductPage", 2*time.Millisecond,
			one(redis(catalog, "GET", "GET page:#p:#v")),
			maybe(0.4, sql(catalog, "SELECT", "products", "SELECT id, sku, title, description, price_cents, currency FROM products WHERE id = #p AND deleted_at IS NULL")),
			some(1, 2, sql(catalog, "SELECT", "reviews", "SELECT author_id, stars, body FROM reviews WHERE product_id = #p ORDER BY created_at DESC LIMIT 20 OFFSET #o")),
			one(price(catalog)))),
		one(rpc(storefront, inventory, "InventoryService/GetStock", 500*time.Microsecond, one(redis(inventory, "HMGET", "HMGET stock:#p available reserved")))),
		maybe(0.6, recommend(storefront)))
}

func searchPage() *op {
	return page(storefront, "GET", "/search", "/search?q=#w&page=#k", "storefront.pages.search.render", 200,
		one(rpc(storefront, search, "SearchService/Query", 5*time.Millisecond,
			one(internal(search, "query.parse", "com.shop.search.QueryParser.parse", 200*time.Microsecond, field{key: "shop.search.query", text: "#w"})),
			batch(4, 4, internal(search, "index.scan", "com.shop.search.IndexShard.scan", 4*time.Millisecond, field{key: "shop.search.shard", text: "#k"})),
			one(price(search)))),
		batch(2, 6, getProduct(storefront)))
}

func stock() *op {
	return page(inventory, "GET", "/api/stock/{id}", "/api/stock/#p", "inventory/api.(*Server).GetStock", 200,
		one(redis(inventory, "HMGET", "HMGET stock:#p available reserved")),
		maybe(0.2, sql(inventory, "SELECT", "stock", "SELECT warehouse_id, available, reserved FROM stock WHERE product_id = #p")))
}

func showCart() *op {
	return page(cart, "GET", "/cart", "/cart", "cart/api.(*Server).ShowCart", 200,
		one(redis(cart, "HGETALL", "HGETALL cart:#u")), batch(1, 5, getProduct(cart)), one(price(cart)))
}

func addToCart() *op {
	return page(cart, "POST", "/cart/items", "/cart/items", "cart/api.(*Server).AddItem", 201,
		one(getProduct(cart)), one(redis(cart, "HSET", "HSET cart:#u #p #q")), one(redis(cart, "EXPIRE", "EXPIRE cart:#u 1209600")),
		maybe(0.5, publish(cart, recommendation, "cart.item-added", one(redis(recommendation, "ZINCRBY", "ZINCRBY affinity:#u 1 #p")))))
}

func placeOrder() *op {
	return page(checkout, "POST", "/checkout", "/checkout", "com.shop.checkout.CheckoutController.placeOrder", 201,
		one(getCart(checkout)),
		some(1, mostItems, reserve()),
		one(price(checkout)),
		one(rpc(checkout, shipping, "ShippingService/Quote", 2*time.Millisecond, one(external(shipping, "POST", "api.carrier.example", "/v2/quotes/#q")))),
		one(rpc(checkout, payment, "PaymentService/Charge", 3*time.Millisecond,
			one(internal(payment, "risk.score", "com.shop.payment.RiskModel.score", 5*time.Millisecond, field{key: "shop.risk.score", text: "#f"})),
			one(external(payment, "POST", "api.payments.example", "/v1/charges/#P")),
			one(sql(payment, "INSERT", "charges", "INSERT INTO charges (order_id, user_id, amount_cents, currency, token) VALUES (#P, '#u', #a, 'EUR', '#R')")))),
		one(sql(checkout, "INSERT", "orders", "INSERT INTO orders (id, user_id, total_cents, currency, created_at) VALUES (#P, '#u', #a, 'EUR', now())")),
		some(1, mostItems, sql(checkout, "INSERT", "order_items", "INSERT INTO order_items (order_id, product_id, quantity, price_cents) VALUES (#P, #r, #q, #a)")),
		one(publish(checkout, shipping, "order.placed", one(sql(shipping, "INSERT", "parcels", "INSERT INTO parcels (order_id, carrier, weight_g) VALUES (#P, 'dpd', #a)")))),
		one(publish(checkout, notification, "order.placed", one(internal(notification, "template.render", "notification.mail.Template.render", 3*time.Millisecond)),
			one(external(notification, "POST", "api.mail.example", "/v3/mail/send")))))
}

func showOrder() *op {
	return page(checkout, "GET", "/orders/{id}", "/orders/#P", "com.shop.checkout.OrderController.show", 200,
		one(sql(checkout, "SELECT", "orders", "SELECT id, user_id, total_cents, currency, created_at FROM orders WHERE id = #P AND user_id = '#u'")),
		one(sql(checkout, "SELECT", "order_items", "SELECT product_id, quantity, price_cents FROM order_items WHERE order_id = #P")),
		one(rpc(checkout, shipping, "ShippingService/Track", time.Millisecond, one(sql(shipping, "SELECT", "parcels", "SELECT carrier, tracking_no, state FROM parcels WHERE order_id = #P")))))
}

func login() *op {
	return page(identity, "POST", "/login", "/login", "identity/api.(*Server).Login", 200,
		one(sql(identity, "SELECT", "accounts", "SELECT id, password_hash, locked_until FROM accounts WHERE email = '#u@mail.example'")),
		one(internal(identity, "password.Verify", "identity/password.Verify", 60*time.Millisecond)),
		one(redis(identity, "SETEX", "SETEX session:#S 86400 #u")))
}
