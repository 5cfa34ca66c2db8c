package exec

// LabelsKey is for the tests.
var LabelsKey = labelsKey
