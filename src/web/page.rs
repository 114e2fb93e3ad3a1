//! `/`: a page for people who open the server's address in a browser.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, http::header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::site::Site;

const PAGE: &str = include_str!("page.html");

/// What a browser lets the page do: run its own script, have its own looks, and ask this server. A stranger's text that
/// became markup would do nothing.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |tag: &str| {
        let inner = PAGE.split_once(&format!("<{tag}>")).and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")));
        let digest = Sha256::digest(inner.map_or("", |(inner, _)| inner));
        format!("{tag}-src 'sha256-{}'", BASE64_STANDARD.encode(digest))
    };
    let own = "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    format!("default-src 'none'; {}; {}; {own}", hash("script"), hash("style"))
});

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
    let policy = (header::CONTENT_SECURITY_POLICY, POLICY.as_str());
    HttpResponse::Ok().content_type("text/html; charset=utf-8").insert_header(policy).body(page)
}

/// The Host header is a stranger's text.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A value within the script would change its hash, and the browser would not run it.
    #[test]
    fn nothing_is_filled_into_the_script_or_the_style() {
        for tag in ["script", "style"] {
            let (_, rest) = PAGE.split_once(&format!("<{tag}>")).unwrap();
            let (inner, rest) = rest.split_once(&format!("</{tag}>")).unwrap();
            let values = ["{problems}", "{address}", "{name}", "{version}"];
            assert!(!inner.is_empty() && values.iter().all(|value| !inner.contains(value)), "{tag}");
            assert!(!rest.contains(&format!("<{tag}")) && !PAGE.contains("style="), "one {tag} only");
        }
    }

    #[test]
    fn strangers_text_is_no_markup() {
        assert_eq!(escape("<a b=\"&\">"), "&lt;a b=&quot;&amp;&quot;&gt;");
    }
}
