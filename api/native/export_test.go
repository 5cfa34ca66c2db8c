package native

// AppendValue is what the tests of the columns compare values with.
var AppendValue = appendValue

// AppendColumns is the columnar writer, for its benchmark.
var AppendColumns = appendColumns
