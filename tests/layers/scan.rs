//! Turns a file into tokens, and tokens into the paths that they name.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use crate::source::Source;

/// A word, a symbol (`::` is one) or a bracket, with its line.
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// Where a path leads.
pub(crate) enum Target {
    /// Below the root of the same crate, without `crate`.
    Internal(Vec<String>),
    /// Another crate, or a name that was imported before.
    External(Vec<String>),
}

pub(crate) fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let mut colon = false;
    for tree in stream {
        let line = tree.span().start().line;
        let mut push = |text: String, line| tokens.push(Token { text, line });
        match tree {
            TokenTree::Punct(punct) => {
                let symbol = punct.as_char();
                if colon && symbol == ':' {
                    tokens.pop();
                    tokens.push(Token {
                        text: "::".to_owned(),
                        line,
                    });
                    colon = false;
                } else {
                    push(symbol.to_string(), line);
                    colon = symbol == ':' && punct.spacing() == Spacing::Joint;
                }
                continue;
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(open.to_owned(), line);
                flatten(group.stream(), tokens);
                tokens.push(Token {
                    text: close.to_owned(),
                    line: group.span_close().start().line,
                });
            }
            TokenTree::Ident(word) => push(word.to_string(), line),
            TokenTree::Literal(literal) => push(literal.to_string(), line),
        }
        colon = false;
    }
}

/// A path that the code names (`crate::id::Rank`, `tokio::spawn`), or one branch of a `use`.
pub(crate) struct Leaf {
    pub(crate) target: Target,
    /// What a `use` calls it afterwards.
    pub(crate) name: Option<String>,
    pub(crate) line: usize,
}

pub(crate) struct Scanner<'a> {
    tokens: &'a [Token],
    modules: &'a BTreeSet<Vec<String>>,
    /// The module of the file, then inline modules with the depth of their braces.
    module: Vec<String>,
    inline: Vec<usize>,
    leaves: Vec<Leaf>,
}

impl<'a> Scanner<'a> {
    pub(crate) fn run(source: &'a Source, modules: &'a BTreeSet<Vec<String>>) -> Vec<Leaf> {
        let mut scanner = Self {
            tokens: &source.tokens,
            modules,
            module: source.module.clone(),
            inline: Vec::new(),
            leaves: Vec::new(),
        };
        scanner.walk();
        scanner.leaves
    }

    fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }

    fn walk(&mut self) {
        let (mut at, mut depth) = (0, 0);
        while at < self.tokens.len() {
            match self.text(at) {
                "{" => depth += 1,
                "}" => {
                    if self.inline.last() == Some(&depth) {
                        self.inline.pop();
                        self.module.pop();
                    }
                    depth -= 1;
                }
                "mod" if self.text(at + 2) == "{" => {
                    self.module.push(self.text(at + 1).to_owned());
                    self.inline.push(depth + 1);
                    at += 1;
                }
                // Not the precise capturing of `impl Trait + use<'a>`.
                "use" if self.text(at + 1) != "<" => {
                    at = self.branch(at + 1, &[]);
                    continue;
                }
                word if is_word(word) && self.text(at + 1) == "::" && !self.goes_on(at) => {
                    at = self.branch(at, &[]);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// Whether the word at `at` is a later part of a path (`a::b`, `x.b`), not its beginning.
    fn goes_on(&self, at: usize) -> bool {
        let before = |n: usize| at.checked_sub(n).map_or("", |at| self.text(at));
        before(1) == "." || (before(1) == "::" && (is_word(before(2)) || before(2) == ">"))
    }

    /// Follows one branch from `at`; gives the place behind it.
    fn branch(&mut self, mut at: usize, prefix: &[String]) -> usize {
        let mut path = prefix.to_vec();
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        loop {
            match self.text(at) {
                "::" => at += 1,
                "{" => {
                    at += 1;
                    while !matches!(self.text(at), "}" | "") {
                        let next = self.branch(at, &path);
                        at = next.max(at + 1);
                        while self.text(at) == "," {
                            at += 1;
                        }
                    }
                    return at + 1;
                }
                word if is_word(word) || word == "*" => {
                    path.push(word.to_owned());
                    at += 1;
                    if self.text(at) != "::" {
                        break;
                    }
                }
                _ => break,
            }
        }
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let mut name = path.last().cloned();
        if self.text(at) == "as" {
            name = Some(self.text(at + 1).to_owned());
            at += 2;
        }
        let target = self.resolve(path);
        self.leaves.push(Leaf { target, name, line });
        at
    }

    fn resolve(&self, path: Vec<String>) -> Target {
        let mut base = self.module.clone();
        let mut rest = path.as_slice();
        let mut relative = false;
        while let Some((first, tail)) = rest.split_first() {
            match first.as_str() {
                "crate" => base.clear(),
                "self" => {}
                "super" => {
                    base.pop();
                }
                _ => break,
            }
            relative = true;
            rest = tail;
        }
        if !relative {
            let child = base.iter().chain(rest.first()).cloned().collect();
            if rest.is_empty() || !self.modules.contains::<Vec<String>>(&child) {
                return Target::External(path);
            }
        }
        base.extend(rest.iter().cloned());
        Target::Internal(base)
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}
