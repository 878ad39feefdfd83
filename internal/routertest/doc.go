// Package routertest mounts the handlers of this repository under the routers people
// use. It is a module of its own, so that nobody inherits them.
//
// What the tests show of mounting a postpress.WebhookHandler:
//
//	net/http  mux.Handle("/postpress", h)
//	chi       r.Handle("/postpress", h), r.Post("/postpress", h.ServeHTTP) or r.Mount("/postpress", h)
//	gin       r.Any("/postpress", gin.WrapH(h)) or r.POST("/postpress", gin.WrapH(h))
//
// The webhook must have been created with the very path: with the other form of a
// trailing slash gin and http.ServeMux redirect and chi answers 404, and either is a
// failure to the API, which sends the event five more times and drops it. gin answers
// another method than POST itself, with 404, where the route is a POST.
package routertest
