package process_test

func host() {}
