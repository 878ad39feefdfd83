package postpress

// Status is the state of an account or of one of its sources, as the API
// spells it. Values that this version does not know pass through unchanged.
// The empty status is one the API has not told.
type Status string

// The states an account can be read in.
const (
	StatusOK          Status = "OK"          // running
	StatusConnecting  Status = "CONNECTING"  // being linked, or reconnecting by itself
	StatusCredentials Status = "CREDENTIALS" // must be linked again
	StatusPermissions Status = "PERMISSIONS" // lacks a permission
	StatusStopped     Status = "STOPPED"     // stopped
	StatusError       Status = "ERROR"       // failed
)

// The further states that only webhooks report.
const (
	StatusDeleted         Status = "DELETED"          // the account was deleted
	StatusCreationSuccess Status = "CREATION_SUCCESS" // a new account was linked
	StatusCreationFail    Status = "CREATION_FAIL"    // a new account could not be linked
	StatusReconnected     Status = "RECONNECTED"      // an account was linked again
	StatusSyncSuccess     Status = "SYNC_SUCCESS"     // the first synchronisation has ended
)

// Connected tells whether the status says that the account works.
func (s Status) Connected() bool { return s.severity() == running }

// NeedsReconnect tells whether the account exists but must be linked or
// repaired by its owner: CREDENTIALS, PERMISSIONS, ERROR or STOPPED.
func (s Status) NeedsReconnect() bool {
	sev := s.severity()
	return sev >= stopped && sev <= credentials
}

// Terminal tells whether a new account in this status will not connect any
// more by itself: it is connected, needs its owner, failed or was deleted.
// CONNECTING and unknown statuses are not terminal.
func (s Status) Terminal() bool { return s.severity() == running || s.severity() >= stopped }

type severity int

const (
	running severity = iota
	unknown
	connecting
	stopped
	failing
	permissions
	credentials
	creationFailed
	deleted
)

func (s Status) severity() severity {
	switch s {
	case StatusOK, StatusCreationSuccess, StatusReconnected, StatusSyncSuccess:
		return running
	case StatusConnecting:
		return connecting
	case StatusStopped:
		return stopped
	case StatusError:
		return failing
	case StatusPermissions:
		return permissions
	case StatusCredentials:
		return credentials
	case StatusCreationFail:
		return creationFailed
	case StatusDeleted:
		return deleted
	}
	return unknown
}
