package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/kiseki-dev/kiseki/storage/vfs"
)

const (
	manifestName    = "MANIFEST"
	manifestMagic   = "kiseki manifest"
	manifestVersion = 1
	tempSuffix      = ".tmp"
	segmentSuffix   = ".seg"
)

// manifest is the list of what belongs to the store. Its file is text, one
// line of header and a JSON document, whose CRC-32C the header states:
//
//	kiseki manifest 1 crc32c 89abcdef
//	{"log_from":7,"segments":[{"number":3,"spans":…,…}]}
//
// It is replaced as a whole: written beside, synced, renamed.
type manifest struct {
	// LogFrom is the lowest log sequence whose spans are not in a segment.
	LogFrom  uint64         `json:"log_from"`
	Segments []segmentEntry `json:"segments"` // in the order they were made
}

// segmentEntry is what the manifest says of a segment; times are Unix
// nanoseconds.
type segmentEntry struct {
	Number   uint64 `json:"number"`
	Spans    uint64 `json:"spans"`
	Bytes    int64  `json:"bytes"`
	MinStart uint64 `json:"min_start"`
	MaxStart uint64 `json:"max_start"`
	MaxEnd   uint64 `json:"max_end"`
	Written  uint64 `json:"written,omitempty"` // when the segment was made, 0 if not known
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errManifest = errors.New("manifest is damaged")

func segmentName(number uint64) string { return fmt.Sprintf("%016d%s", number, segmentSuffix) }

func parseSegmentName(name string) (number uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil && segmentName(number) == name
}

func encodeManifest(m manifest) ([]byte, error) {
	body, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	body = append(body, '\n')
	head := fmt.Sprintf("%s %d crc32c %08x\n", manifestMagic, manifestVersion, crc32.Checksum(body, castagnoli))
	return append([]byte(head), body...), nil
}

func decodeManifest(p []byte) (m manifest, err error) {
	head, body, _ := bytes.Cut(p, []byte("\n"))
	var version, sum uint32
	if _, err := fmt.Sscanf(string(head), manifestMagic+" %d crc32c %x", &version, &sum); err != nil {
		return m, fmt.Errorf("%w: its first line is not a header", errManifest)
	}
	if version != manifestVersion {
		return m, fmt.Errorf("read manifest: format version %d, this program knows %d", version, manifestVersion)
	}
	if crc32.Checksum(body, castagnoli) != sum {
		return m, fmt.Errorf("%w: its checksum does not match", errManifest)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("%w: %w", errManifest, err)
	}
	return m, nil
}

func readManifest(fsys vfs.FS, dir folder) (manifest, error) {
	f, err := fsys.Open(dir.manifest())
	if err != nil {
		return manifest{}, fmt.Errorf("read manifest: %w", err)
	}
	defer f.Close() // only read from
	size, err := f.Size()
	if err != nil {
		return manifest{}, fmt.Errorf("read manifest: %w", err)
	}
	p, err := io.ReadAll(io.NewSectionReader(f, 0, size))
	if err != nil {
		return manifest{}, fmt.Errorf("read manifest: %w", err)
	}
	return decodeManifest(p)
}

// uncertainError says that a manifest may or may not have reached the disk.
type uncertainError struct{ error }

func (e uncertainError) Unwrap() error { return e.error }

// writeManifest replaces the manifest. An uncertainError means that either
// the old or the new one will be there after a crash.
func writeManifest(fsys vfs.FS, dir folder, m manifest) error {
	p, err := encodeManifest(m)
	if err != nil {
		return err
	}
	temp := dir.manifest() + tempSuffix
	if err := writeFile(fsys, temp, p); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := fsys.Rename(temp, dir.manifest()); err != nil {
		return uncertainError{fmt.Errorf("write manifest: %w", err)}
	}
	if err := fsys.SyncDir(filepath.Dir(dir.manifest())); err != nil {
		return uncertainError{fmt.Errorf("write manifest: %w", err)}
	}
	return nil
}

// writeFile makes a file with the given content on stable storage; its name
// is durable only after SyncDir.
func writeFile(fsys vfs.FS, path string, p []byte) error {
	f, err := fsys.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(p)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
