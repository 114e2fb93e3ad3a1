//! `/`: a page for people who open the server's address in a browser.

use actix_web::{HttpRequest, HttpResponse, http::header};

use super::site::Site;

const PAGE: &str = include_str!("page.html");

/// The page, with the address under which it was asked for.
pub(super) fn page(request: &HttpRequest, site: &Site) -> HttpResponse {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let problems = site.control.state_problems();
    let problems: String = problems.iter().map(|why| format!("<p role=\"alert\">{}</p>\n", escape(why))).collect();
    let page = PAGE
        .replace("{problems}", &problems)
        .replace("{address}", &escape(host))
        .replace("{name}", &escape(&site.sessions.server_name))
        .replace("{version}", env!("CARGO_PKG_VERSION"));
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page)
}

/// The Host header is a stranger's text.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_text_is_no_markup() {
        assert_eq!(escape("<a b=\"&\">"), "&lt;a b=&quot;&amp;&quot;&gt;");
    }
}
