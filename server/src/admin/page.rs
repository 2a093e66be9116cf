//! The table of calls for people, without anything from elsewhere.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse};

use super::{Admin, PREFIX, document};

const STYLE: &str = "\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
section { border-top: 1px solid #8884; padding: .5rem 0; }
h2 { font-size: 1rem; margin: 0; }
h2 code { font-weight: 600; }
p { margin: .25rem 0; }
.method { display: inline-block; min-width: 4.5rem; }
";

pub(super) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

pub(super) async fn serve(State(admin): State<Arc<Admin>>) -> Html<String> {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>tim management API</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<link rel=\"stylesheet\" href=\"/api/v1/page.css\">\n\
         <h1>tim management API</h1>\n\
         <p>The same for programs: <a href=\"/api/v1/openapi.json\">openapi.json</a>. Programs send a key in the header \
         <code>Authorization: Bearer</code>.</p>\n",
    );
    for call in &admin.calls {
        let (method, path) = (&call.method, escaped(call.path));
        let (summary, needs) = (escaped(call.summary), escaped(&document::needs(call)));
        // Writing to a string cannot fail.
        let written = writeln!(
            page,
            "<section id=\"{name}\"><h2><code class=\"method\">{method}</code> <code>{PREFIX}{path}</code></h2>\
             <p>{summary}.</p><p>{needs}</p></section>",
            name = call.name
        );
        if written.is_err() {
            break;
        }
    }
    page.push_str("</html>\n");
    Html(page)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
