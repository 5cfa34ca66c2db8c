package storage

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
)

// A sealed file is a line of header and a body, whose CRC-32C the header
// states: "MAGIC VERSION crc32c 89abcdef\n".

// errVersion says that a file has a format version of another program.
var errVersion = errors.New("format version")

func seal(magic string, version uint32, body []byte) []byte {
	return fmt.Appendf(nil, "%s %d crc32c %08x\n%s", magic, version, crc32.Checksum(body, castagnoli), body)
}

// unseal is the body of a sealed file of the given version or an older one. It
// fails with errVersion, or says in what way the file is damaged.
func unseal(magic string, version uint32, p []byte) ([]byte, error) {
	head, body, _ := bytes.Cut(p, []byte("\n"))
	var got, sum uint32
	if _, err := fmt.Sscanf(string(head), magic+" %d crc32c %x", &got, &sum); err != nil {
		return nil, errors.New("its first line is not a header")
	}
	if got == 0 || got > version {
		return nil, fmt.Errorf("%w %d, this program knows up to %d", errVersion, got, version)
	}
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, errors.New("its checksum does not match")
	}
	return body, nil
}
