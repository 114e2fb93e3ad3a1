//! The page for people: the one that is built in (`web/` is its source), or that of a folder which somebody who works on it has
//! named. It knows nothing by itself: what it shows it asks the server for, as far as its reader may know it.

use std::path::PathBuf;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use include_dir::{Dir, include_dir};

use super::site::Site;

/// What `npm run build` in `web/` makes.
static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/web/dist");
/// The largest file that is served, in bytes.
const LONGEST: u64 = 8 * 1024 * 1024;

/// The media type of a file by its name; nothing for one that no page needs.
fn media_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "map" | "json" => "application/json",
        _ => return None,
    })
}

/// A name of a file that leads nowhere else.
fn is_plain(name: &str) -> bool {
    !name.starts_with('.') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// A file of the page: of the folder that was named, or of the page that is built in.
async fn read(folder: Option<&PathBuf>, name: &str) -> Option<Bytes> {
    let Some(folder) = folder else {
        return BUILT_IN.get_file(name).map(|file| Bytes::from_static(file.contents()));
    };
    let path = folder.join(name);
    web::block(move || {
        let length = path.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
        (length <= LONGEST).then(|| std::fs::read(path).ok().map(Bytes::from))?
    })
    .await
    .ok()?
}

/// What the page may do: run its own script, have its own looks, and ask this server.
fn policy(request: &HttpRequest) -> String {
    // The guard has found this to be a loopback name or address, with or without a port.
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().trim();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws://{host}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// `/`.
pub(super) async fn index(request: &HttpRequest, site: &Site) -> HttpResponse {
    match read(site.page.as_ref(), "index.html").await {
        Some(page) => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_SECURITY_POLICY, policy(request)))
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .body(page),
        None => HttpResponse::NotFound()
            .content_type("text/plain; charset=utf-8")
            .body("there is no page: the folder of --page has no index.html that can be read\n"),
    }
}

/// `/assets/{file}`: what the page is made of.
pub(super) async fn asset(file: web::Path<String>, site: web::Data<Site>) -> HttpResponse {
    let nothing = || HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("there is no such file\n");
    let Some(media_type) = media_type(&file).filter(|_| is_plain(&file)) else { return nothing() };
    let Some(content) = read(site.page.as_ref(), &format!("assets/{file}")).await else {
        return nothing();
    };
    let mut response = HttpResponse::Ok();
    response.content_type(media_type).insert_header((header::CACHE_CONTROL, "no-cache")).body(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The policy lets nothing run that stands in the document itself.
    #[test]
    fn the_page_has_no_script_and_no_style_of_its_own() {
        let page = BUILT_IN.get_file("index.html").unwrap().contents_utf8().unwrap();
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains("<script>"), "{page}");
        for asset in ["assets/app.js", "assets/app.css"] {
            assert!(page.contains(asset) && BUILT_IN.get_file(asset).is_some(), "{asset}");
        }
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for name in ["..", "../x.js", ".hidden.js", "a/b.js", "a\\b.js", "a b.js", "\u{e9}.js", "C:x.js"] {
            assert!(!is_plain(name), "{name}");
        }
        assert!(is_plain("app-1_2.min.js") && media_type("app.js").is_some());
        assert_eq!((media_type("passwd"), media_type("a.exe")), (None, None));
    }
}
