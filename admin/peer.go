package admin

import "fmt"

// allowUser decides whether a user may use the admin socket of a drover that runs as own.
func allowUser(uid, own int) error {
	if uid != own && uid != 0 {
		return fmt.Errorf("the admin socket is for user %d and root, you are user %d", own, uid)
	}
	return nil
}
