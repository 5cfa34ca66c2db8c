package storage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"strconv"
	"strings"

	"github.com/kiseki-dev/kiseki/storage/vfs"
)

const (
	manifestName    = "MANIFEST"
	manifestCopy    = "MANIFEST.copy"
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
// It is replaced as a whole: written beside, synced, renamed. There are two
// of it, with the same bytes, so that one damaged file does not lose the
// order of things. They differ only after a crash between the two renames;
// whatever one of them lists is then still there, since files go only after
// both are in place.
type manifest struct {
	// LogFrom is the lowest log sequence whose spans are not in a segment.
	LogFrom  uint64         `json:"log_from"`
	Segments []segmentEntry `json:"segments"` // in the order they were made, rewritten ones in their place
	Lost     []lostEntry    `json:"lost,omitempty"`
	// Rebuilt says that the list was made of what was in the folder: spans may
	// be in two of the segments.
	Rebuilt bool `json:"rebuilt,omitempty"`
	// Taken are the numbers of segments in quarantine whose spans are in the
	// store again and whose files are about to get the name that says so.
	Taken []uint64 `json:"taken,omitempty"`
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
	// Written is when the youngest of its spans was flushed, 0 if not known.
	Written uint64 `json:"written,omitempty"`
	// Level is how often its spans were compacted: 0, 1 or 2.
	Level   int       `json:"level,omitempty"`
	Thinned *thinning `json:"thinned,omitempty"` // what retention by query has done
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
	return seal(manifestMagic, manifestVersion, body), nil
}

func decodeManifest(p []byte) (m manifest, err error) {
	body, err := unseal(manifestMagic, manifestVersion, p)
	if errors.Is(err, errVersion) {
		return m, fmt.Errorf("read manifest: %w", err)
	}
	if err != nil {
		return m, fmt.Errorf("%w: %w", errManifest, err)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("%w: %w", errManifest, err)
	}
	return m, nil
}

// readManifest reads a manifest file.
func readManifest(fsys vfs.FS, path string) (m manifest, raw []byte, err error) {
	if raw, err = vfs.ReadFile(fsys, path); err != nil {
		return m, nil, fmt.Errorf("read manifest: %w", err)
	}
	if m, err = decodeManifest(raw); err != nil {
		return m, nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, raw, nil
}

// manifests is what both files of a manifest say.
type manifests struct {
	manifest
	// differ says that the files do not have the same bytes: both are to be
	// written anew.
	differ bool
	// problems are what is wrong with either file; at most one is missing or
	// damaged where readManifests gives no error.
	problems []error
}

// readManifests reads the manifest, or where it is missing or damaged its
// copy. If neither can be read the error tells of both, and is either
// fs.ErrNotExist or errManifest, or of the disk.
func readManifests(fsys vfs.FS, dir folder) (out manifests, err error) {
	first, raw, err1 := readManifest(fsys, dir.manifest())
	second, rawCopy, err2 := readManifest(fsys, dir.manifestCopy())
	for _, err := range []error{err1, err2} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errManifest) {
			return out, err // unreadable, or of another version: not to be replaced
		}
	}
	switch {
	case err1 == nil:
		out.manifest = first
		// Without a copy: not written yet.
		if errors.Is(err2, errManifest) {
			out.problems = append(out.problems, err2)
		}
	case err2 == nil:
		out.manifest = second
		out.problems = append(out.problems, err1)
	default:
		return out, errors.Join(err1, err2)
	}
	out.differ = !bytes.Equal(raw, rawCopy)
	return out, nil
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
	paths := []string{dir.manifest(), dir.manifestCopy()}
	for _, path := range paths {
		if err := writeFile(fsys, path+tempSuffix, p); err != nil {
			return fmt.Errorf("write manifest: %w", err)
		}
	}
	for _, path := range paths {
		if err := fsys.Rename(path+tempSuffix, path); err != nil {
			return uncertainError{fmt.Errorf("write manifest: %w", err)}
		}
	}
	if err := fsys.SyncDir(dir.root); err != nil {
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
