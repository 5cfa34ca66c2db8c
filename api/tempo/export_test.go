package tempo

import "time"

// SendEvery changes how long a stream holds what it found.
func (a *API) SendEvery(d time.Duration) { a.sendEvery = d }
