package postpresstest

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"time"

	postpress "github.com/postpress-ai/postpress-go"
)

// providers says how each provider is linked; -1 is at once.
var providers = map[postpress.Provider]method{
	postpress.ProviderWhatsApp: byQRCode, postpress.ProviderTelegram: byQRCode,
	postpress.ProviderLinkedIn: byCheckpointCode, postpress.ProviderInstagram: byCheckpointCode,
	postpress.ProviderTwitter: byCheckpointCode, postpress.ProviderMessenger: byCheckpointCode,
	postpress.ProviderSlack: atOnce, postpress.ProviderMobile: atOnce, postpress.ProviderMail: atOnce,
	postpress.ProviderGoogle: atOnce, postpress.ProviderGoogleOAuth: atOnce,
	postpress.ProviderGoogleCalendar: atOnce, postpress.ProviderICloud: atOnce,
	postpress.ProviderOutlook: atOnce, postpress.ProviderExchange: atOnce,
}

const atOnce method = -1

var countryCode = regexp.MustCompile(`^[A-Z]{2}$`)

type placeBody struct {
	Country *string    `json:"country"`
	IP      *string    `json:"ip"`
	Proxy   *proxyBody `json:"proxy"`
}

type proxyBody struct {
	Protocol string `json:"protocol"`
	Host     string `json:"host"`
	Port     int    `json:"port"`
	Username string `json:"username"`
	Password string `json:"password"`
}

type connectBody struct {
	placeBody
	Provider           postpress.Provider `json:"provider"`
	PairingPhoneNumber *string            `json:"pairing_phone_number"`
	DisabledFeatures   []string           `json:"disabled_features"`
}

func (b *placeBody) check() *apiError {
	if b.Country != nil && !countryCode.MatchString(*b.Country) {
		return invalid("country must be two capital letters")
	}
	if b.IP != nil {
		if ip, err := netip.ParseAddr(*b.IP); err != nil || !ip.Is4() {
			return invalid("ip must be an IPv4 address")
		}
	}
	if b.Proxy == nil {
		return nil
	}
	switch {
	case !slices.Contains([]string{"https", "http", "socks5"}, b.Proxy.Protocol):
		return invalid("proxy.protocol must be https, http or socks5")
	case b.Proxy.Host == "":
		return missing("proxy.host")
	case b.Proxy.Port < 1 || b.Proxy.Port > 65535:
		return invalid("proxy.port must be from 1 to 65535")
	}
	return nil
}

func (b *connectBody) check() *apiError {
	if b.Provider == "" {
		return missing("provider")
	}
	if _, ok := providers[b.Provider]; !ok {
		return invalid("provider %q is unknown", b.Provider)
	}
	if b.PairingPhoneNumber != nil && !e164.MatchString(*b.PairingPhoneNumber) {
		return invalid("pairing_phone_number must be 7 to 15 digits, without + and without a leading 0")
	}
	return b.placeBody.check()
}

// how says how the account will be linked, and with which phone number.
func (b *connectBody) how() (method, string) {
	if b.Provider == postpress.ProviderWhatsApp && b.PairingPhoneNumber != nil {
		return byPairingCode, *b.PairingPhoneNumber
	}
	return providers[b.Provider], ""
}

func (r *request) connectBody() (*connectBody, *apiError) {
	var b connectBody
	if err := r.decode(&b); err != nil {
		return nil, err
	}
	return &b, b.check()
}

func (s *Server) connectAccount(r *request) (answer, *apiError) {
	b, err := r.connectBody()
	if err != nil {
		return answer{}, err
	}
	st := s.accounts
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	a := st.add("", b.Provider, now)
	m, phone := b.how()
	if m == atOnce {
		st.connectAtOnce(a, now)
		return jsonAnswer(http.StatusCreated, wireObject{Object: "AccountCreated", AccountID: a.id}), nil
	}
	st.begin(a, m, phone, now)
	return st.checkpoint(a), nil
}

func (s *Server) reconnectAccount(r *request) (answer, *apiError) {
	b, err := r.connectBody()
	if err != nil {
		return answer{}, err
	}
	st := s.accounts
	st.mu.Lock()
	defer st.mu.Unlock()
	now := time.Now()
	a, err := st.findStarted(r.params["id"], now, false)
	if err != nil {
		return answer{}, err
	}
	m, phone := b.how()
	switch {
	case b.Provider != a.provider:
		return answer{}, invalid("provider is %s, but the account is of %s", b.Provider, a.provider)
	case a.intent.live():
		if err := st.reissue(a, m, phone, now); err != nil {
			return answer{}, err
		}
	case a.status == postpress.StatusOK || m == atOnce:
		st.connectAtOnce(a, now)
		return jsonAnswer(http.StatusCreated, wireObject{Object: "AccountReconnected", AccountID: a.id}), nil
	default:
		st.begin(a, m, phone, now)
	}
	return st.checkpoint(a), nil
}

// connectAtOnce connects an account for which nobody has to do anything.
func (st *store) connectAtOnce(a *account, now time.Time) {
	if a.known && a.status == postpress.StatusOK {
		return
	}
	a.intent = &intent{}
	st.connect(a, now)
}

// checkpoint is the answer to a start that waits for a phone or a code.
func (st *store) checkpoint(a *account) answer {
	in := a.intent
	c := wireCheckpoint{Object: "Checkpoint", AccountID: a.id}
	switch in.method {
	case byQRCode:
		if st.cfg.legacyQR {
			return jsonAnswer(http.StatusCreated, wireObject{Object: "QrCode", AccountID: a.id, QRCode: in.given})
		}
		c.Checkpoint = map[string]string{"type": "QRCODE", "qrcode": in.given}
	case byPairingCode:
		c.Checkpoint = st.cfg.pairing.spell(in.given)
	default:
		c.Checkpoint = map[string]string{"type": "2FA", "source": "SMS"}
		if a.provider == postpress.ProviderInstagram {
			c.Checkpoint = map[string]string{"type": "OTP"}
		}
	}
	return jsonAnswer(http.StatusAccepted, c)
}

func (f PairingForm) spell(code string) any {
	field := "code"
	switch f {
	case PairingBare:
		return code
	case PairingSnake:
		field = "pairing_code"
	case PairingCamel:
		field = "pairingCode"
	case PairingAsQRCode:
		field = "qrcode"
	}
	return map[string]string{"type": "PAIRING_CODE", field: code}
}
