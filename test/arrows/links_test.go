package arrows

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	mdLink    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	mdHeading = regexp.MustCompile(`(?m)^#{1,6}\s+(.+?)\s*#*$`)
	mdFence   = regexp.MustCompile("(?ms)^```.*?^```")
	mdCode    = regexp.MustCompile("`[^`\n]*`")
	notAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the fragments a Markdown page's headings can be reached by, as
// GitHub makes them.
func anchors(page string) map[string]bool {
	out := map[string]bool{}
	for _, m := range mdHeading.FindAllStringSubmatch(mdFence.ReplaceAllString(page, ""), -1) {
		text := notAnchor.ReplaceAllString(strings.ToLower(m[1]), "")
		out[strings.ReplaceAll(text, " ", "-")] = true
	}
	return out
}

func TestDocumentationLinks(t *testing.T) {
	for _, p := range textFiles(t, ".md") {
		page := mdCode.ReplaceAllString(mdFence.ReplaceAllString(string(read(t, p)), ""), "")
		for _, m := range mdLink.FindAllStringSubmatch(page, -1) {
			if why := brokenLink(t, p, m[1]); why != "" {
				t.Errorf("%s links to %s: %s", p, m[1], why)
			}
		}
	}
}

// brokenLink says why a link of page p leads nowhere, or is "". Links to
// other hosts are not followed.
func brokenLink(t *testing.T, p, link string) string {
	if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
		return ""
	}
	file, fragment, _ := strings.Cut(link, "#")
	target := p
	if file != "" {
		target = path.Join(path.Dir(p), file)
	}
	if strings.HasPrefix(target, "../") {
		return "it is outside of the checkout"
	}
	if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(target))); err != nil {
		return "there is no such file"
	}
	if fragment != "" && strings.HasSuffix(target, ".md") && !anchors(string(read(t, target)))[fragment] {
		return "the page has no such heading"
	}
	return ""
}

func TestAnchors(t *testing.T) {
	got := anchors("# The store\n```\n# not one\n```\n## WAL, `head` & more\n")
	if len(got) != 2 || !got["the-store"] || !got["wal-head--more"] {
		t.Errorf("got %v", got)
	}
}
