package redact

import (
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// secretNames are names, or the last words of names, that hold secrets.
// Words are parted by anything but letters and digits: "db.user_password",
// "http.request.header.x-api-key".
var secretNames = [][]string{
	{"password"}, {"passwd"}, {"pwd"}, {"passphrase"}, {"secret"}, {"secrets"}, {"credential"}, {"credentials"},
	{"token"}, {"jwt"}, {"authorization"}, {"cookie"}, {"cookies"}, {"apikey"}, {"api", "key"}, {"access", "key"},
	{"secret", "key"}, {"private", "key"}, {"session", "key"}, {"signing", "key"}, {"encryption", "key"},
	{"session", "id"}, {"sessionid"}, {"csrf"}, {"xsrf"}, {"cvv"}, {"cvc"},
	{"card", "number"}, {"cardnumber"}, {"iban"}, {"ssn"}, {"amz", "signature"},
}

// harmless are names that end like one that holds a secret and hold none.
var harmless = map[string]bool{"session.id": true} // an ID of semantic conventions, not of a login

// secret reports whether the name says that the value is one.
func (r *Redactor) secret(key attribute.Key) bool {
	if s, ok := r.known.Load(key); ok {
		return s.(bool)
	}
	s := r.keys[lower(string(key))] || (!harmless[string(key)] && secretName(string(key)))
	if r.knownCount.Load() < maxKnown {
		r.knownCount.Add(1)
		r.known.Store(key, s)
	}
	return s
}

// secretName looks at the last words of a name.
func secretName(name string) bool {
	words := strings.FieldsFunc(splitCamel(name), func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9')
	})
	return slices.ContainsFunc(secretNames, func(secret []string) bool {
		n := len(words) - len(secret)
		return n >= 0 && slices.Equal(words[n:], secret)
	})
}

// splitCamel is the name in lower case, with "apiKey" as "api_key".
func splitCamel(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			if i > 0 && name[i-1] >= 'a' && name[i-1] <= 'z' {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

func lower(s string) string { return strings.ToLower(s) }
