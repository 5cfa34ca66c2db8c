// Package tenant is how a request says whose data it is about: with the header
// X-Scope-OrgID, which is metadata of the same name in gRPC. It is what
// Grafana's data sources, Tempo and Mimir use. It is a name and no proof: who
// may use which is for a proxy in front to decide.
package tenant

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Header names the tenant of a request.
const Header = "X-Scope-OrgID"

// Default is the tenant of requests without a [Header].
const Default = "default"

// maxLength bounds an ID, in bytes, as Mimir does.
const maxLength = 150

// Check reports what is wrong with an ID. One that is right is a safe name for
// a folder: letters, digits and !-_.*'() but neither "." nor "..", the set of
// https://grafana.com/docs/mimir/latest/configure/about-tenant-ids/.
func Check(id string) error {
	switch {
	case id == "":
		return errors.New("the tenant ID is empty")
	case len(id) > maxLength:
		return fmt.Errorf("the tenant ID is longer than %d characters", maxLength)
	case id == ".", id == "..":
		return fmt.Errorf("%q is no tenant ID", id)
	}
	for i := range len(id) {
		if c := id[i]; !isLetter(c) && !strings.ContainsRune("0123456789!-_.*'()", rune(c)) {
			return fmt.Errorf("the tenant ID %.40q has a character other than letters, digits and !-_.*'()", id)
		}
	}
	return nil
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// Of is the tenant that a request's headers name.
func Of(h http.Header) (id string, err error) {
	switch all := h.Values(Header); len(all) {
	case 0:
		return Default, nil
	case 1:
		id, err = all[0], Check(all[0])
	default:
		err = errors.New("it is given more than once")
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", Header, err)
	}
	return id, nil
}
