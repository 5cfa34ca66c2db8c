package native

// AppendColumns is the columnar writer, for its benchmark.
var AppendColumns = appendColumns
