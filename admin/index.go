package admin

import (
	"html/template"
	"net/http"
	"strings"
)

// Endpoint is one line of the list at GET /.
type Endpoint struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Role   string `json:"role"` // of the token that is needed where tokens are set
	About  string `json:"about"`
}

var indexPage = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>drover</title>
<h1>drover: admin API</h1>
<table>{{range .}}
<tr><td>{{.Method}}</td><td>{{if .Link}}<a href="{{.Path}}">{{.Path}}</a>{{else}}{{.Path}}{{end}}</td><td>{{.About}}</td></tr>{{end}}
</table></html>
`))

// Link reports whether a browser can follow the path as it stands.
func (e Endpoint) Link() bool { return e.Method == http.MethodGet && !strings.Contains(e.Path, "{") }

// index lists the endpoints, for a browser as a page.
func (s *Server) index(w http.ResponseWriter, r *http.Request) error {
	return listEndpoints(w, r, s.endpoints())
}

func listEndpoints(w http.ResponseWriter, r *http.Request, list []Endpoint) error {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return reply(w, http.StatusOK, map[string]any{"endpoints": list})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	return indexPage.Execute(w, list)
}

func (s *Server) endpoints() []Endpoint {
	var list []Endpoint
	for _, r := range s.table.routes {
		list = append(list, Endpoint{Method: r.method, Path: r.path, Role: r.access.String(), About: r.about})
	}
	return list
}
