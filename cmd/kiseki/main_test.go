package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// asKiseki makes the test binary behave as kiseki itself, for tests that need
// a process of it.
const asKiseki = "KISEKI_TEST_RUN_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asKiseki) != "" {
		main()
	}
	goleak.VerifyTestMain(m)
}
