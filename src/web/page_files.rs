//! The files of the page: those of a folder that somebody who works on the page has named.

use std::path::{Path, PathBuf};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::site::Site;

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

fn read(path: &Path) -> Option<Vec<u8>> {
    let length = path.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    (length <= LONGEST).then(|| std::fs::read(path).ok())?
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

/// `/` of a page in a folder.
pub(super) async fn index(request: HttpRequest, folder: PathBuf) -> HttpResponse {
    let path = folder.join("index.html");
    let wanted = path.clone();
    match web::block(move || read(&wanted)).await.ok().flatten() {
        Some(page) => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_SECURITY_POLICY, policy(&request)))
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .body(page),
        None => HttpResponse::NotFound()
            .content_type("text/plain; charset=utf-8")
            .body(format!("there is no page: {} cannot be read\n", path.display())),
    }
}

/// `/assets/{file}`: what the page is made of.
pub(super) async fn asset(file: web::Path<String>, site: web::Data<Site>) -> HttpResponse {
    let nothing = || HttpResponse::NotFound().content_type("text/plain; charset=utf-8").body("there is no such file\n");
    let (Some(folder), Some(media_type)) = (&site.page, media_type(&file).filter(|_| is_plain(&file))) else {
        return nothing();
    };
    let path = folder.join("assets").join(file.as_str());
    match web::block(move || read(&path)).await.ok().flatten() {
        Some(content) => {
            let mut response = HttpResponse::Ok();
            response.content_type(media_type).insert_header((header::CACHE_CONTROL, "no-cache")).body(content)
        }
        None => nothing(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for name in ["..", "../x.js", ".hidden.js", "a/b.js", "a\\b.js", "a b.js", "\u{e9}.js", "C:x.js"] {
            assert!(!is_plain(name), "{name}");
        }
        assert!(is_plain("app-1_2.min.js") && media_type("app.js").is_some());
        assert_eq!((media_type("passwd"), media_type("a.exe")), (None, None));
    }
}
