// Package nearest finds the known name that a mistyped one most likely meant,
// for error messages that say "did you mean".
package nearest

// Name returns the known name with the least edit distance to word. It
// returns "" where none is near enough to be a likely meaning: more than a
// third of the word's letters (but at least two) would have to change. Among
// equals the first known name wins.
func Name(word string, known []string) string {
	best, limit := "", max(2, len(word)/3)+1
	for _, k := range known {
		if d := distance(word, k); d < limit && d < len(word) {
			best, limit = k, d
		}
	}
	return best
}

// Hint is ` (did you mean "name"?)` for the nearest known name, or "".
func Hint(word string, known []string) string {
	name := Name(word, known)
	if name == "" {
		return ""
	}
	return ` (did you mean "` + name + `"?)`
}

// distance is the number of insertions, deletions, replacements and swaps of
// neighbours (optimal string alignment) that turn a into b, over bytes.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
