//! The order of the house: which room may import which, and that no two files import each other. Test code is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Item, UseTree};

/// Rooms from the top of the house to its ground; a room imports only rooms below it.
const ROOMS: &[&str] = &[
    "main",
    "cli",
    "server",
    "web",
    "session",
    "simulation",
    "conformance",
    "control",
    "hub",
    "manager",
    "device",
    "events",
    "log_ring",
    "inspect",
    "driver",
    "link",
    "settings",
    "library",
    "user_devices",
    "buttplug",
    "transport",
    "access",
    "throttle",
    "addresses",
    "patience",
    "types",
    "text",
    "strict_json",
    "words",
];

/// Every file and the files that it imports, by module path such as `hub::actor`.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn imports_run_downward() {
    let imports = read();
    let floor = |module: &str| {
        let room = module.split("::").next().unwrap_or_default();
        ROOMS.iter().position(|known| *known == room).unwrap_or_else(|| panic!("{room} is no room: name it in ROOMS"))
    };
    let upward: Vec<_> = imports
        .iter()
        .filter(|(file, _)| !file.is_empty())
        .flat_map(|(file, imported)| imported.iter().map(move |other| (file, other)))
        .filter(|(file, other)| !other.is_empty() && floor(other) < floor(file))
        .map(|(file, other)| format!("{file} imports {other}"))
        .collect();
    assert!(upward.is_empty(), "{}", upward.join("\n"));
}

#[test]
fn no_two_files_import_each_other() {
    let imports = read();
    let mutual: Vec<_> = imports
        .iter()
        .flat_map(|(file, imported)| imported.iter().map(move |other| (file, other)))
        .filter(|(file, other)| file < other && imports[*other].contains(*file))
        .map(|(file, other)| format!("{file} and {other}"))
        .collect();
    assert!(mutual.is_empty(), "{} pairs of files import each other:\n{}", mutual.len(), mutual.join("\n"));
}

fn read() -> Imports {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    collect(&src, &src, &mut files);
    let hidden: BTreeSet<String> = files.iter().flat_map(|(module, file)| test_modules(module, file)).collect();
    files.retain(|module, _| !hidden.iter().any(|test| module == test || module.starts_with(&format!("{test}::"))));
    let modules: BTreeSet<String> = files.keys().cloned().collect();
    let of = |module: &String, file: &syn::File| {
        let mut paths = Vec::new();
        paths_of(&file.items, &mut paths);
        let found = paths.iter().filter_map(|path| resolve(module, path, &modules)).filter(|other| other != module);
        (module.clone(), found.collect())
    };
    files.iter().map(|(module, file)| of(module, file)).collect()
}

fn collect(src: &Path, directory: &Path, files: &mut BTreeMap<String, syn::File>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(src, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(src).unwrap().with_extension("");
            let parts = relative.components().map(|part| part.as_os_str().to_string_lossy().into_owned());
            let mut parts: Vec<_> = parts.collect();
            if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
                parts.pop();
            }
            files.insert(parts.join("::"), syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap());
        }
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    let of_tests = |attribute: &&Attribute| {
        attribute.path().is_ident("cfg") && attribute.meta.to_token_stream().to_string().contains("test")
    };
    attributes.iter().find(of_tests).is_some()
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Files that a file declares as test code.
fn test_modules(module: &str, file: &syn::File) -> Vec<String> {
    let declared = file.items.iter().filter_map(|item| match item {
        Item::Mod(declared) if declared.content.is_none() && is_test(&declared.attrs) => {
            let path = declared.attrs.iter().find(|attribute| attribute.path().is_ident("path"));
            let path = path.map(|path| path.meta.to_token_stream().to_string());
            let named = path.and_then(|path| Some(path.split('"').nth(1)?.trim_end_matches(".rs").to_owned()));
            // `#[path]` counts from the folder, a declaration from the module.
            let above = module.rsplit_once("::").map_or("", |(above, _)| above);
            let (base, name) = named.map_or((module, declared.ident.to_string()), |name| (above, name));
            Some(if base.is_empty() { name } else { format!("{base}::{name}") })
        }
        _ => None,
    });
    declared.collect()
}

/// Every path that begins in this crate, apart from test code.
fn paths_of(items: &[Item], paths: &mut Vec<Vec<String>>) {
    for item in items.iter().filter(|item| !is_test(attributes(item))) {
        match item {
            Item::Use(item) => of_use(&item.tree, &mut Vec::new(), paths),
            other => of_tokens(other.to_token_stream(), paths),
        }
    }
}

fn of_use(tree: &UseTree, before: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            of_use(&path.tree, before, paths);
            before.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|item| of_use(item, before, paths)),
        UseTree::Name(name) => paths.push([before.as_slice(), &[name.ident.to_string()]].concat()),
        UseTree::Rename(name) => paths.push([before.as_slice(), &[name.ident.to_string()]].concat()),
        UseTree::Glob(_) => paths.push(before.clone()),
    }
}

fn of_tokens(tokens: TokenStream, paths: &mut Vec<Vec<String>>) {
    let mut path: Vec<String> = Vec::new();
    let mut colons = 0;
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
            TokenTree::Ident(ident) if !path.is_empty() && colons == 2 => {
                path.push(ident.to_string());
                colons = 0;
            }
            other => {
                paths.extend((path.len() > 1).then(|| std::mem::take(&mut path)));
                (path, colons) = (Vec::new(), 0);
                match other {
                    TokenTree::Ident(ident) if colons == 0 => path = vec![ident.to_string()],
                    TokenTree::Group(group) => of_tokens(group.stream(), paths),
                    _ => {}
                }
            }
        }
    }
    paths.extend((path.len() > 1).then_some(path));
}

/// The file that a path leads to, as seen from a module; `None` for other crates.
fn resolve(module: &str, path: &[String], modules: &BTreeSet<String>) -> Option<String> {
    let own: Vec<_> = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let ups = path.iter().take_while(|part| *part == "super").count();
    let mut full = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" => own,
        "super" => own.get(..own.len().checked_sub(ups)?)?.to_vec(),
        // A module of this file, as in `pub use actor::Hub`.
        first if modules.contains(&[own.as_slice(), &[first.to_owned()]].concat().join("::")) => own,
        _ => return None,
    };
    full.extend(path.iter().filter(|part| !["crate", "self", "super"].contains(&part.as_str())).cloned());
    while !modules.contains(&full.join("::")) {
        full.pop()?;
    }
    Some(full.join("::"))
}
