package exec

// LabelsKey is for the tests.
var LabelsKey = labelsKey

// Hasten has searches sift from their first trace without a result on, and
// where join is set look at the traces that have what is needed from then on.
// It returns what undoes that.
func Hasten(join bool) (undo func()) {
	after, blocks := siftAfter, joinBlocks
	siftAfter = 1
	if join {
		joinBlocks = 0
	}
	return func() { siftAfter, joinBlocks = after, blocks }
}

// NextRun is the next run of wanted rows.
var NextRun = nextRun
