// Package instrument holds the tests of the instrumentation library against
// a real kiseki: programs that use it, and kiseki itself, are killed with
// SIGKILL, and every span is looked for afterwards. It is a module of its
// own because the main one does not need the library.
package instrument
