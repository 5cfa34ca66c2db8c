package demo

// product is an article of the shop; prices are in euro cents.
type product struct {
	SKU      string `json:"sku"`
	Name     string `json:"name"`
	Category string `json:"category"`
	Price    int    `json:"price"`
}

// line is a position of a cart or an order.
type line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// money is an amount in the smallest unit of a currency.
type money struct {
	Amount   int    `json:"amount"`
	Currency string `json:"currency"`
}

// orderRequest is what a customer sends to buy the cart.
type orderRequest struct {
	User     string `json:"user"`
	Email    string `json:"email"`
	Currency string `json:"currency"`
	Card     string `json:"card"`
}

// order is a placed order.
type order struct {
	ID    string `json:"id"`
	User  string `json:"user"`
	Email string `json:"email"`
	Lines []line `json:"lines"`
	Total money  `json:"total"`
}

// assortment is what the shop sells.
var assortment = []product{
	{"TEA-001", "Sencha, first flush", "tea", 1490},
	{"TEA-002", "Gyokuro", "tea", 3290},
	{"TEA-003", "Hojicha", "tea", 990},
	{"TEA-004", "Genmaicha", "tea", 890},
	{"TEA-005", "Matcha, ceremonial", "tea", 3990},
	{"TEA-006", "Oolong, high mountain", "tea", 2490},
	{"POT-001", "Kyusu, side handle", "pots", 6900},
	{"POT-002", "Cast iron pot", "pots", 8900},
	{"POT-003", "Glass pot", "pots", 3490},
	{"POT-004", "Gaiwan, white", "pots", 2290},
	{"CUP-001", "Yunomi, pair", "cups", 3800},
	{"CUP-002", "Matcha bowl", "cups", 5400},
	{"CUP-003", "Travel cup", "cups", 2900},
	{"CUP-004", "Tasting cups, six", "cups", 3300},
	{"KIT-001", "Bamboo whisk", "tools", 1890},
	{"KIT-002", "Tea scoop", "tools", 790},
	{"KIT-003", "Variable kettle", "tools", 11900},
	{"KIT-004", "Scale, 0.1 g", "tools", 4500},
	{"BOX-001", "Discovery box", "gifts", 4900},
	{"BOX-002", "Cherry wood caddy", "gifts", 5900},
}

// Cards that the payment provider treats specially, as the test cards of real
// providers do. All others are charged at once.
const (
	cardGood     = "4242424242424242"
	cardDeclined = "4000000000000002" // refused for good
	cardFlaky    = "4000000000000119" // the first two attempts are turned away
	cardSlow     = "4000000000000077" // authorised after more than a second
)

// Users with a story.
const (
	userNew = "u-new" // has no purchase history, which recommendation does not expect
)
