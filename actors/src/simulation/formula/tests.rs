use proptest::prelude::*;

use super::*;

fn value(text: &str, x: f64) -> f64 {
    text.parse::<Formula>().unwrap().eval(x)
}

#[test]
fn operators_bind_as_in_mathematics() {
    for (text, expected) in [
        ("2+3*4", 14.0),
        ("(2+3)*4", 20.0),
        ("8-4-2", 2.0),
        ("8/4/2", 1.0),
        ("8/4*2", 4.0),
        ("2*3^2", 18.0),
        ("2^3^2", 512.0),
        ("-2^2", -4.0),
        ("(-2)^2", 4.0),
        ("2^-1", 0.5),
        ("--3", 3.0),
        ("2*-3", -6.0),
        ("1--1", 2.0),
        ("1024*786*8", 6_438_912.0),
        ("2e9", 2e9),
        ("1.5E-3*2", 3e-3),
        (" max( 1 , 2 ) - min(3,4) ", -1.0),
        ("sqrt(16) + log2(1024)", 14.0),
    ] {
        assert_eq!(value(text, 0.0), expected, "{text}");
    }
}

#[test]
fn x_is_the_argument() {
    assert_eq!(value("x^2", 804_864.0), 804_864.0 * 804_864.0);
    assert_eq!(value("3*x", 7.0), 21.0);
    assert_eq!(value("x*log2(x)", 1024.0), 10_240.0);
    assert_eq!(value("max(x, 100)", 7.0), 100.0);
}

#[test]
fn formulas_made_in_code_are_those_that_are_read() {
    assert_eq!(Formula::x(), "x".parse().unwrap());
    assert_eq!(Formula::from(24), "24".parse().unwrap());
}

#[test]
fn what_has_no_value_is_nan_and_is_not_hidden() {
    for text in [
        "sqrt(-x)",
        "log2(-x)",
        "min(sqrt(-x), 1)",
        "min(1, sqrt(-x))",
        "max(sqrt(-x), 1)",
        "max(1, sqrt(-x))",
        "0/(x-x)",
    ] {
        assert!(value(text, 2.0).is_nan(), "{text}");
    }
    assert_eq!(value("1/(x-2)", 2.0), f64::INFINITY);
}

#[test]
fn an_error_names_the_column_and_what_would_be_right() {
    for (text, message) in [
        (
            "",
            "column 1: the formula ends where a number, `x`, a function or `(` should be",
        ),
        (
            "  ",
            "column 3: the formula ends where a number, `x`, a function or `(` should be",
        ),
        (
            "x^",
            "column 3: the formula ends where a number, `x`, a function or `(` should be",
        ),
        (
            "x**2",
            "column 3: `*` is where a number, `x`, a function or `(` should be",
        ),
        (
            "3x",
            "column 2: `x` is where an operator (+ - * / ^) or the end should be",
        ),
        (
            "x 17",
            "column 3: `17` is where an operator (+ - * / ^) or the end should be",
        ),
        (
            "x²",
            "column 1: `x²` is neither the variable `x` nor one of the functions log2, sqrt, min and max",
        ),
        (
            "(x",
            "column 3: the formula ends where an operator (+ - * / ^) or `)` should be",
        ),
        (
            "x)",
            "column 2: `)` is where an operator (+ - * / ^) or the end should be",
        ),
        (
            "n^2",
            "column 1: `n` is neither the variable `x` nor one of the functions log2, sqrt, min and max",
        ),
        (
            "2*log(x)",
            "column 3: `log` is neither the variable `x` nor one of the functions log2, sqrt, min and max",
        ),
        (
            "log2 x",
            "column 6: `x` is where `(` and the arguments of the function should be",
        ),
        ("log2(x, 2)", "column 1: log2 takes one argument, not 2"),
        ("1+min(x)", "column 3: min takes two arguments, not 1"),
        ("max(1,2,3)", "column 1: max takes two arguments, not 3"),
        (
            "max(1;2)",
            "column 6: `;` is where an operator (+ - * / ^), `,` or `)` should be",
        ),
        (
            "1.2.3",
            "column 1: `1.2.3` is not a finite number; write it as 786, 0.5 or 2e9",
        ),
        (
            "x*1e",
            "column 3: `1e` is not a finite number; write it as 786, 0.5 or 2e9",
        ),
        (
            "1e999",
            "column 1: `1e999` is not a finite number; write it as 786, 0.5 or 2e9",
        ),
        (
            "·x",
            "column 1: `·` is where a number, `x`, a function or `(` should be",
        ),
        (
            "äö·",
            "column 1: `äö` is neither the variable `x` nor one of the functions log2, sqrt, min and max",
        ),
    ] {
        assert_eq!(
            text.parse::<Formula>().unwrap_err().to_string(),
            message,
            "{text}"
        );
    }
}

#[test]
fn length_and_depth_are_bounded() {
    let nested = |depth: usize| format!("{}x{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(value(&nested(Formula::MAX_DEPTH - 1), 3.0), 3.0);
    for too_deep in [
        nested(Formula::MAX_DEPTH),
        "-".repeat(Formula::MAX_DEPTH) + "x",
        "x^".repeat(Formula::MAX_DEPTH) + "x",
        "sqrt(".repeat(Formula::MAX_DEPTH),
    ] {
        let error = too_deep.parse::<Formula>().unwrap_err();
        assert_eq!(error.problem, FormulaProblem::TooDeep, "{too_deep}");
    }
    // Nesting ends with its bracket.
    assert_eq!(value(&["(x)"; 200].join("+"), 1.0), 200.0);

    let longest = "x+".repeat(Formula::MAX_LENGTH / 2 - 1) + "2";
    assert_eq!(value(&longest, 1.0), 501.0);
    let error = (longest + "00").parse::<Formula>().unwrap_err();
    assert_eq!(error.problem, FormulaProblem::TooLong);
}

/// Text with more brackets than needed, and its value at x, computed beside the code under test.
fn written(x: f64) -> impl Strategy<Value = (String, f64)> {
    let leaf = prop_oneof![
        Just(("x".to_owned(), x)),
        (0.0..1e6_f64).prop_map(|n| (format!("{n}"), n)),
        (0.0..1e6_f64).prop_map(|n| (format!("{n:e}"), n)),
    ];
    leaf.prop_recursive(6, 40, 2, |inner| {
        let one = inner.clone();
        prop_oneof![
            (one.clone(), inner.clone())
                .prop_map(|(a, b)| (format!("({} + {})", a.0, b.0), a.1 + b.1)),
            (one.clone(), inner.clone())
                .prop_map(|(a, b)| (format!("({}-{})", a.0, b.0), a.1 - b.1)),
            (one.clone(), inner.clone())
                .prop_map(|(a, b)| (format!("({}*{})", a.0, b.0), a.1 * b.1)),
            (one.clone(), inner.clone())
                .prop_map(|(a, b)| (format!("({} /{})", a.0, b.0), a.1 / b.1)),
            (one.clone(), inner).prop_map(|(a, b)| {
                let least = if a.1.is_nan() {
                    a.1
                } else if b.1.is_nan() {
                    b.1
                } else {
                    a.1.min(b.1)
                };
                (format!("min({}, {})", a.0, b.0), least)
            }),
            one.clone()
                .prop_map(|a| (format!("sqrt({})", a.0), a.1.sqrt())),
            one.prop_map(|a| (format!("(-{})", a.0), -a.1)),
        ]
    })
}

proptest! {
    #[test]
    fn a_formula_has_the_value_of_what_is_written((text, expected) in written(804_864.0)) {
        let formula: Formula = text.parse().unwrap();
        let value = formula.eval(804_864.0);
        prop_assert!(value.to_bits() == expected.to_bits() || (value.is_nan() && expected.is_nan()), "{value} {expected}");
        prop_assert_eq!(formula.to_string(), text);
    }

    #[test]
    fn brackets_show_what_binds_tighter(
        numbers in prop::collection::vec(1_u32..10, 2..8),
        operators in prop::collection::vec(prop::sample::select(vec!['+', '-', '*', '/', '^']), 7),
    ) {
        let plain = numbers.iter().zip(&operators).map(|(n, o)| format!("{n}{o}")).collect::<String>() + "1";
        let levels = [(2, true), (1, false), (0, false)];
        let mut parts: Vec<f64> = numbers.iter().map(|&n| f64::from(n)).chain([1.0]).collect();
        let mut between: Vec<char> = operators[..numbers.len()].to_vec();
        // The textbook's way: all powers from the right, then products, then sums from the left.
        for (level, from_right) in levels {
            let of_level = |o: &char| matches!((level, o), (2, '^') | (1, '*' | '/') | (0, '+' | '-'));
            while let Some(i) = if from_right { between.iter().rposition(of_level) } else { between.iter().position(of_level) } {
                let (a, b) = (parts[i], parts.remove(i + 1));
                parts[i] = match between.remove(i) {
                    '^' => libm::pow(a, b),
                    '*' => a * b,
                    '/' => a / b,
                    '+' => a + b,
                    _ => a - b,
                };
            }
        }
        let value = plain.parse::<Formula>().unwrap().eval(0.0);
        prop_assert!(value.to_bits() == parts[0].to_bits() || (value.is_nan() && parts[0].is_nan()), "{plain}: {value} {}", parts[0]);
    }

    #[test]
    fn any_text_is_a_formula_or_an_error_within_it(text in "[-+*/^(),.0-9exlogsqrtminax2 ²ä]{0,80}") {
        match text.parse::<Formula>() {
            Ok(formula) => {
                prop_assert_eq!(formula.eval(7.0).to_bits(), formula.clone().eval(7.0).to_bits());
            }
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.column)),
        }
    }

    #[test]
    fn any_unicode_text_is_a_formula_or_an_error(text in any::<String>()) {
        if let Err(error) = text.parse::<Formula>() {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column));
        }
    }
}
