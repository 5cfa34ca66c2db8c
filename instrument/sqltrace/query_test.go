package sqltrace

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReadQuery(t *testing.T) {
	for _, x := range []struct{ system, query, text, summary, collection string }{
		{"", "SELECT * FROM orders WHERE id = 42", "SELECT * FROM orders WHERE id = ?", "SELECT orders", "orders"},
		{"", "select name from users where mail='ann@example.com' and age>-1.5e+3", "select name from users where mail=? and age>-?", "SELECT users", "users"},
		{"", "SELECT 'it''s' , x FROM t1", "SELECT ? , x FROM t1", "SELECT t1", "t1"},
		{"", "INSERT INTO shop.lines (a, b) VALUES (1, 'two'), (3, 'four')", "INSERT INTO shop.lines (a, b) VALUES (?)", "INSERT shop.lines", "shop.lines"},
		{"", "UPDATE stock SET n = n - 1 WHERE sku IN ('a','b','c')", "UPDATE stock SET n = n - ? WHERE sku IN (?)", "UPDATE stock", "stock"},
		{"", "DELETE FROM carts", "DELETE FROM carts", "DELETE carts", "carts"},
		{"", "SELECT o.id FROM orders o JOIN users u ON u.id = o.user LEFT JOIN lines l ON l.o = o.id", "SELECT o.id FROM orders o JOIN users u ON u.id = o.user LEFT JOIN lines l ON l.o = o.id", "SELECT orders users lines", ""},
		{"", "SELECT a FROM x, y WHERE x.a = y.a", "SELECT a FROM x, y WHERE x.a = y.a", "SELECT x y", ""},
		{"", "WITH late AS (SELECT id FROM orders) INSERT INTO reminders SELECT id FROM late", "WITH late AS (SELECT id FROM orders) INSERT INTO reminders SELECT id FROM late", "INSERT orders reminders late", ""},
		{"", "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY)", "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY)", "CREATE orders", "orders"},
		{"", "BEGIN", "BEGIN", "BEGIN", ""},
		{"", "", "", "SQL", ""},
		{"", "-- password: hunter2\nSELECT 1 /* of 'Ann' */ + 2", "SELECT ? + ?", "SELECT", ""},
		{"", "SELECT 'never ends", "SELECT ?", "SELECT", ""},
		{"", `SELECT 'a\' , 'secret'`, "SELECT ?", "SELECT", ""},
		{"sqlite", `SELECT "Name" FROM "My Table" WHERE x = ?1 AND y = :why`, `SELECT "Name" FROM "My Table" WHERE x = ?1 AND y = :why`, "SELECT My Table", "My Table"},
		{"sqlite", "SELECT x'cafe', 0xff, .5 FROM t", "SELECT ? FROM t", "SELECT t", "t"},
		{"postgresql", `SELECT $1::text, 'a\', E'it\'s', $$free$$, $tag$ text $tag$ FROM "Shop"."Orders"`, `SELECT $1::text, ? FROM "Shop"."Orders"`, "SELECT Shop.Orders", "Shop.Orders"},
		{"mysql", "SELECT \"secret\", 'it\\'s', `from` FROM `orders` # why", "SELECT ?, `from` FROM `orders`", "SELECT orders", "orders"},
		{"microsoft.sql_server", "SELECT TOP 5 * FROM [dbo].[My Orders] WHERE n = @n", "SELECT TOP ? * FROM [dbo].[My Orders] WHERE n = @n", "SELECT dbo.My Orders", "dbo.My Orders"},
	} {
		if x.system == "" {
			x.system = "other_sql"
		}
		got := readQuery(x.query, x.system)
		if got.text != x.text || got.summary != x.summary || got.collection != x.collection {
			t.Errorf("%s: %s\nis  %q, %q, %q\nnot %q, %q, %q", x.system, x.query, got.text, got.summary, got.collection, x.text, x.summary, x.collection)
		}
	}
}

// What is in quotes is never seen, however odd the query.
func FuzzReadQuery(f *testing.F) {
	f.Add("SELECT ", "it's", " FROM t")
	f.Add("INSERT INTO t VALUES (", "a''b", ")")
	f.Fuzz(func(t *testing.T, before, value, after string) {
		if strings.ContainsAny(before, `'"$-/#[`+"`") || strings.Contains(before, "secret") || strings.HasSuffix(before, "\\") {
			return
		}
		value = "secret" + strings.ReplaceAll(strings.ReplaceAll(value, "'", "''"), `\`, "")
		for _, system := range []string{"other_sql", "postgresql", "mysql", "sqlite", "microsoft.sql_server"} {
			q := readQuery(before+" '"+value+"' "+after, system)
			if strings.Contains(q.text, "secret") && !strings.Contains(after, "secret") {
				t.Errorf("%s: %q", system, q.text)
			}
			if len(q.text) > maxQueryText || len(q.summary) > maxQuerySummary {
				t.Errorf("%s: %d and %d bytes", system, len(q.text), len(q.summary))
			}
			if utf8.ValidString(before+after) && !utf8.ValidString(q.summary) {
				t.Errorf("%s: summary %q", system, q.summary)
			}
		}
	})
}
