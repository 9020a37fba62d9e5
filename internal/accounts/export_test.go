package accounts

// Recovered turns a panic in load into an error.
func Recovered(load func() error) error { return recovered(load) }
