//! Reads formulas by recursive descent.
//!
//! ```text
//! sum     = product (("+" | "-") product)*
//! product = signed (("*" | "/") signed)*
//! signed  = "-" signed | power
//! power   = atom ("^" signed)?
//! atom    = number | "x" | function "(" sum ("," sum)* ")" | "(" sum ")"
//! ```

use super::{Binary, Formula, FormulaError, FormulaProblem, Node, Unary};

const OPERAND: &str = "a number, `x`, a function or `(`";

pub(super) fn parse(text: &str) -> Result<Node, FormulaError> {
    if text.chars().nth(Formula::MAX_LENGTH).is_some() {
        return Err(FormulaError {
            column: Formula::MAX_LENGTH + 1,
            problem: FormulaProblem::TooLong,
        });
    }
    let mut parser = Parser {
        text,
        at: 0,
        depth: 0,
    };
    let node = parser.sum()?;
    match parser.peek() {
        None => Ok(node),
        Some(_) => Err(parser.unexpected("an operator (+ - * / ^) or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset of what is read next; spaces may come first.
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn sum(&mut self) -> Result<Node, FormulaError> {
        let mut left = self.product()?;
        loop {
            let operation = match self.peek() {
                Some('+') => Binary::Add,
                Some('-') => Binary::Subtract,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Node::Binary(operation, Box::new((left, self.product()?)));
        }
    }

    fn product(&mut self) -> Result<Node, FormulaError> {
        let mut left = self.signed()?;
        loop {
            let operation = match self.peek() {
                Some('*') => Binary::Multiply,
                Some('/') => Binary::Divide,
                _ => return Ok(left),
            };
            self.at += 1;
            left = Node::Binary(operation, Box::new((left, self.signed()?)));
        }
    }

    /// Every nesting comes through here, so its depth is counted here.
    fn signed(&mut self) -> Result<Node, FormulaError> {
        if self.depth == Formula::MAX_DEPTH {
            self.peek();
            return Err(self.error(self.at, FormulaProblem::TooDeep));
        }
        self.depth += 1;
        let node = if self.take('-') {
            Node::Unary(Unary::Negate, Box::new(self.signed()?))
        } else {
            self.power()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn power(&mut self) -> Result<Node, FormulaError> {
        let base = self.atom()?;
        if !self.take('^') {
            return Ok(base);
        }
        let exponent = self.signed()?;
        Ok(Node::Binary(Binary::Power, Box::new((base, exponent))))
    }

    fn atom(&mut self) -> Result<Node, FormulaError> {
        match self.peek() {
            Some('(') => {
                self.at += 1;
                let node = self.sum()?;
                self.close("an operator (+ - * / ^) or `)`")?;
                Ok(node)
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => self.named(),
            _ => Err(self.unexpected(OPERAND)),
        }
    }

    fn number(&mut self) -> Result<Node, FormulaError> {
        let start = self.at;
        self.skip(|c| c.is_ascii_digit() || c == '.');
        let exponent = self.rest();
        if exponent.starts_with(['e', 'E']) {
            let signed = exponent[1..].starts_with(['+', '-']);
            self.at += 1 + usize::from(signed);
            self.skip(|c| c.is_ascii_digit());
        }
        let text = &self.text[start..self.at];
        match text.parse() {
            Ok(number) if f64::is_finite(number) => Ok(Node::Number(number)),
            _ => {
                let text = text.to_owned();
                Err(self.error(start, FormulaProblem::InvalidNumber { text }))
            }
        }
    }

    fn named(&mut self) -> Result<Node, FormulaError> {
        let start = self.at;
        self.skip(|c| c.is_alphanumeric() || c == '_');
        let name = &self.text[start..self.at];
        match name {
            "x" => Ok(Node::X),
            "log2" => self.of_one(start, "log2", Unary::Log2),
            "sqrt" => self.of_one(start, "sqrt", Unary::Sqrt),
            "min" => self.of_two(start, "min", Binary::Min),
            "max" => self.of_two(start, "max", Binary::Max),
            _ => {
                let name = name.to_owned();
                Err(self.error(start, FormulaProblem::UnknownName { name }))
            }
        }
    }

    fn of_one(
        &mut self,
        start: usize,
        function: &'static str,
        operation: Unary,
    ) -> Result<Node, FormulaError> {
        match <[Node; 1]>::try_from(self.arguments()?) {
            Ok([a]) => Ok(Node::Unary(operation, Box::new(a))),
            Err(others) => Err(self.wrong_arguments(start, function, "one argument", others.len())),
        }
    }

    fn of_two(
        &mut self,
        start: usize,
        function: &'static str,
        operation: Binary,
    ) -> Result<Node, FormulaError> {
        match <[Node; 2]>::try_from(self.arguments()?) {
            Ok([a, b]) => Ok(Node::Binary(operation, Box::new((a, b)))),
            Err(others) => {
                Err(self.wrong_arguments(start, function, "two arguments", others.len()))
            }
        }
    }

    fn arguments(&mut self) -> Result<Vec<Node>, FormulaError> {
        if !self.take('(') {
            return Err(self.unexpected("`(` and the arguments of the function"));
        }
        let mut arguments = vec![self.sum()?];
        while self.take(',') {
            arguments.push(self.sum()?);
        }
        self.close("an operator (+ - * / ^), `,` or `)`")?;
        Ok(arguments)
    }

    fn wrong_arguments(
        &self,
        start: usize,
        function: &'static str,
        expected: &'static str,
        found: usize,
    ) -> FormulaError {
        self.error(
            start,
            FormulaProblem::Arguments {
                function,
                expected,
                found,
            },
        )
    }

    fn close(&mut self, expected: &'static str) -> Result<(), FormulaError> {
        if self.take(')') {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    fn take(&mut self, symbol: char) -> bool {
        let found = self.peek() == Some(symbol);
        if found {
            self.at += symbol.len_utf8();
        }
        found
    }

    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        self.skip(char::is_whitespace);
        self.rest().chars().next()
    }

    fn skip(&mut self, belongs: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(belongs).len();
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn unexpected(&mut self, expected: &'static str) -> FormulaError {
        let problem = match self.peek() {
            None => FormulaProblem::Ended { expected },
            Some(first) => FormulaProblem::Unexpected {
                found: self.word(first),
                expected,
            },
        };
        self.error(self.at, problem)
    }

    /// All of a number or a name, or one character of anything else.
    fn word(&self, first: char) -> String {
        if first.is_alphanumeric() {
            let rest = self.rest().chars();
            rest.take_while(|c| c.is_alphanumeric()).collect()
        } else {
            first.to_string()
        }
    }

    fn error(&self, at: usize, problem: FormulaProblem) -> FormulaError {
        FormulaError {
            column: self.text[..at].chars().count() + 1,
            problem,
        }
    }
}
