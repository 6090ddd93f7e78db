//! Reads the Rust files of a crate, without their tests.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use quote::ToTokens;
use syn::visit_mut::VisitMut;

use crate::scan::{Leaf, Scanner, Target, Token, flatten};

/// One file of a crate, without its tests.
pub(crate) struct Source {
    /// From the root of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) module: Vec<String>,
    pub(crate) tokens: Vec<Token>,
}

/// The files of one crate.
pub(crate) struct Tree {
    pub(crate) sources: Vec<Source>,
    /// Every module that is a file.
    pub(crate) modules: BTreeSet<Vec<String>>,
    /// What `lib.rs` re-exports flat: name → where it lives.
    pub(crate) exports: BTreeMap<String, Vec<String>>,
}

/// The `.rs` files below `folder` (none if there is no such folder): path from `root`, text.
pub(crate) fn rust_files(root: &Path, folder: &str) -> io::Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    if !root.join(folder).exists() {
        return Ok(files);
    }
    for entry in walkdir::WalkDir::new(root.join(folder)).sort_by_file_name() {
        let entry = entry?;
        if entry.path().extension().is_some_and(|end| end == "rs") {
            let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let path = path.to_string_lossy().replace('\\', "/");
            files.push((path, std::fs::read_to_string(entry.path())?));
        }
    }
    Ok(files)
}

impl Tree {
    pub(crate) fn read(root: &Path, folder: &str) -> io::Result<Self> {
        let files = rust_files(root, folder)?;
        Ok(Self::parse(folder, &files))
    }

    /// Parses files whose paths begin with `folder`.
    pub(crate) fn parse(folder: &str, files: &[(String, String)]) -> Self {
        let mut tests = BTreeSet::new();
        let mut sources = Vec::new();
        for (path, text) in files {
            let module = module_of(folder, path);
            let mut file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
            let mut strip = StripTests {
                module: module.clone(),
                test_modules: &mut tests,
            };
            strip.visit_file_mut(&mut file);
            let mut tokens = Vec::new();
            flatten(file.into_token_stream(), &mut tokens);
            sources.push(Source {
                path: path.clone(),
                module,
                tokens,
            });
        }
        sources.retain(|source| !tests.iter().any(|test| source.module.starts_with(test)));
        let modules = sources.iter().map(|source| source.module.clone()).collect();
        let mut tree = Self {
            sources,
            modules,
            exports: BTreeMap::new(),
        };
        tree.exports = tree.root_exports();
        tree
    }

    fn root_exports(&self) -> BTreeMap<String, Vec<String>> {
        let mut exports = BTreeMap::new();
        for source in self.sources.iter().filter(|s| s.module.is_empty()) {
            for leaf in Scanner::run(source, &self.modules) {
                if let (Target::Internal(path), Some(name)) = (leaf.target, leaf.name) {
                    exports.insert(name, path);
                }
            }
        }
        exports
    }

    /// The paths that a file names.
    pub(crate) fn references(&self, source: &Source) -> Vec<Leaf> {
        Scanner::run(source, &self.modules)
    }
}

fn module_of(folder: &str, path: &str) -> Vec<String> {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    let inside = inside.trim_start_matches('/').trim_end_matches(".rs");
    let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
    let last = module.last().map(String::as_str);
    if last == Some("mod") || (module.len() == 1 && matches!(last, Some("lib" | "main"))) {
        module.pop();
    }
    module
}

/// Takes out what is compiled for tests only.
struct StripTests<'a> {
    module: Vec<String>,
    test_modules: &'a mut BTreeSet<Vec<String>>,
}

fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute.meta.to_token_stream().to_string();
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
        attribute.path().is_ident("test")
            || (attribute.path().is_ident("cfg")
                && words.contains(&"test")
                && !words.contains(&"not")
                && !words.contains(&"any"))
    })
}

fn attributes_of(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl StripTests<'_> {
    fn strip(&mut self, items: &mut Vec<syn::Item>) {
        items.retain(|item| {
            let test = for_tests(attributes_of(item));
            if let (true, syn::Item::Mod(module)) = (test, item) {
                let mut path = self.module.clone();
                path.push(module.ident.to_string());
                self.test_modules.insert(path);
            }
            !test
        });
    }
}

impl VisitMut for StripTests<'_> {
    fn visit_file_mut(&mut self, file: &mut syn::File) {
        self.strip(&mut file.items);
        syn::visit_mut::visit_file_mut(self, file);
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        self.module.push(module.ident.to_string());
        if let Some((_, items)) = &mut module.content {
            self.strip(items);
        }
        syn::visit_mut::visit_item_mod_mut(self, module);
        self.module.pop();
    }

    fn visit_item_impl_mut(&mut self, item: &mut syn::ItemImpl) {
        item.items.retain(|member| match member {
            syn::ImplItem::Fn(function) => !for_tests(&function.attrs),
            syn::ImplItem::Const(constant) => !for_tests(&constant.attrs),
            _ => true,
        });
        syn::visit_mut::visit_item_impl_mut(self, item);
    }
}
