package wal

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/kiseki-dev/kiseki/storage/vfs"
)

// File is what a log file holds, as [Read] found it.
type File struct {
	Path    string
	Seq     uint64
	Prev    Position
	Records []Record
	// End is the offset after the last of Records, 0 if there is none.
	End int64
	// Torn is the number of bytes after End: the remains of a commit that was
	// never acknowledged, or of a damaged last one; the two look alike.
	Torn int64
	// Rest are the intact records among the torn bytes. Whoever wants them to
	// last writes them to another file.
	Rest []Record
	// doubt is the damage among the torn bytes, which a later file may tell to
	// be of what was acknowledged, and doubtEnd the end of Rest.
	doubt    []*DamageError
	doubtEnd int64
	// Void is the number of records that [Void] took away.
	Void int
	// Damage are the places where records, or the header, can not be read
	// though intact records follow.
	Damage []*DamageError
}

// Record is an intact record.
type Record struct {
	Offset int64
	Spans  uint32
	// Payload is the compressed batch, for [Decoder.Decode].
	Payload []byte
}

// Spans is the number of spans in f's records.
func (f *File) Spans() (n uint64) {
	for _, r := range f.Records {
		n += uint64(r.Spans)
	}
	return n
}

var recordMarker = []byte{marker & 0xff, marker >> 8 & 0xff, marker >> 16 & 0xff, marker >> 24}

// Read reads the file with the given sequence. Damage is no error: it is
// listed in the File, and intact records behind it are found. A file of
// another format version is one, ErrVersion.
func Read(fsys vfs.FS, dir string, seq uint64) (*File, error) {
	p := path(dir, seq)
	data, err := vfs.ReadFile(fsys, p)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	if _, _, err := parseHeader(data); errors.Is(err, ErrVersion) {
		return nil, fmt.Errorf("read log %s: %w", p, err)
	}
	return parse(p, seq, data), nil
}

func parse(p string, seq uint64, data []byte) *File {
	f := &File{Path: p, Seq: seq}
	at := min(headerSize, len(data))
	got, prev, headerErr := parseHeader(data)
	commit, commits := int64(-1), 0 // the last one's offset, and how many begin
	if headerErr == nil && got != seq {
		headerErr = fmt.Errorf("the header names sequence %d", got)
	}
	if headerErr == nil {
		f.Prev, f.End = prev, headerSize
	}
	for at < len(data) {
		size, spans := frameAt(data[at:], seq)
		if size == 0 {
			next := resync(data, at+1, seq)
			if next < 0 {
				break
			}
			f.Damage = append(f.Damage, &DamageError{Path: p, Offset: int64(at), Bytes: int64(next - at), Err: errors.New("no intact record")})
			at = next
			continue
		}
		if spans&joined == 0 {
			commit = int64(at)
			commits++
		}
		f.Records = append(f.Records, Record{Offset: int64(at), Spans: spans &^ joined, Payload: data[at+frameSize : at+size]})
		at += size
		f.End = int64(at)
	}
	if headerErr != nil && len(f.Records) > 0 {
		f.Damage = slices.Insert(f.Damage, 0, &DamageError{Path: p, Err: headerErr})
	}
	f.tear(commit, commits > 1)
	f.Torn = int64(len(data)) - f.End
	return f
}

// tear sets apart the damage within the last commit, whose first record that
// is left is at the given offset: nothing of it may have been acknowledged.
// The header is of the first commit.
func (f *File) tear(commit int64, others bool) {
	i := slices.IndexFunc(f.Damage, func(d *DamageError) bool { return d.Offset > commit || d.Offset == 0 && !others })
	if i < 0 {
		return
	}
	f.doubt, f.Damage, f.doubtEnd = f.Damage[i:], f.Damage[:i], f.End
	f.End = f.doubt[0].Offset
	n := len(f.Records)
	for n > 0 && f.Records[n-1].Offset >= f.End {
		n--
	}
	f.Records, f.Rest = f.Records[:n:n], f.Records[n:]
}

// mend takes back what tear did, since what is before end was acknowledged.
func (f *File) mend(end int64) {
	if len(f.doubt) == 0 || end <= f.End {
		return
	}
	f.Records, f.Damage = append(f.Records, f.Rest...), append(f.Damage, f.doubt...)
	f.Torn -= f.doubtEnd - f.End
	f.End, f.Rest, f.doubt = f.doubtEnd, nil, nil
}

// resync is the offset of the next intact record at or after from, or -1.
func resync(data []byte, from int, seq uint64) int {
	for {
		i := bytes.Index(data[from:], recordMarker)
		if i < 0 {
			return -1
		}
		from += i
		if size, _ := frameAt(data[from:], seq); size > 0 {
			return from
		}
		from++
	}
}

// Void drops from files, which are in ascending order of sequence, the
// records that were never acknowledged, as the headers of later files say.
func Void(files []*File) {
	for i, later := range files {
		if later.Prev == (Position{}) {
			continue
		}
		for _, f := range files[:i] {
			end := int64(0)
			switch {
			case f.Seq < later.Prev.Seq:
				continue
			case f.Seq == later.Prev.Seq:
				end = later.Prev.End
			}
			f.cut(end)
		}
	}
}

// cut drops the records at or beyond end; damage there says nothing either.
func (f *File) cut(end int64) {
	f.mend(end)
	f.Void += len(f.Rest)
	f.Rest = nil
	for n := len(f.Records); n > 0 && f.Records[n-1].Offset >= end; n-- {
		f.Records = f.Records[:n-1]
		f.Void++
	}
	kept := f.Damage[:0]
	for _, d := range f.Damage {
		if d.Offset < end {
			kept = append(kept, d)
		}
	}
	f.Damage = kept
	if f.End < end {
		// Acknowledged bytes at the end are missing: not a torn tail.
		f.Damage = append(f.Damage, &DamageError{Path: f.Path, Offset: f.End, Bytes: end - f.End, Err: errors.New("acknowledged records are missing")})
	}
	f.Torn += f.End - min(f.End, end)
	f.End = min(f.End, end)
}
