//! What a type or an expression is, as far as its tokens tell.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{BinOp, Expr, ExprBinary, ExprLit, ExprUnary, GenericArgument, Lit, PathArguments, Type, UnOp};

/// The type without the invisible brackets that `macro_rules` puts around it.
pub(crate) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => plain(&group.elem),
        Type::Paren(paren) => plain(&paren.elem),
        ty => ty,
    }
}

/// The expression without the invisible brackets that `macro_rules` puts around it.
pub(crate) fn bare(value: &Expr) -> &Expr {
    match value {
        Expr::Group(group) => bare(&group.expr),
        value => value,
    }
}

/// The type as an author writes it: rustc's own words have blanks between all tokens.
pub(crate) fn text_of_type(ty: &Type) -> String {
    let mut text = plain(ty).to_token_stream().to_string();
    for (spaced, close) in
        [(" :: ", "::"), (":: ", "::"), (" <", "<"), ("< ", "<"), (" >", ">"), (" ,", ","), ("& ", "&")]
    {
        text = text.replace(spaced, close);
    }
    text
}

/// Whether the type is called that, wherever it comes from.
pub(crate) fn last_segment_is(ty: &Type, name: &str) -> bool {
    let Type::Path(path) = plain(ty) else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == name)
}

/// Whether the type is a whole number without sign.
pub(crate) fn is_unsigned(ty: &Type) -> bool {
    ["u8", "u16", "u32", "u64", "u128", "usize"].iter().any(|name| last_segment_is(ty, name))
}

/// Whether the type is a whole number.
pub(crate) fn is_integer(ty: &Type) -> bool {
    is_unsigned(ty) || ["i8", "i16", "i32", "i64", "i128", "isize"].iter().any(|name| last_segment_is(ty, name))
}

/// Whether the type is a number with a fraction.
pub(crate) fn is_float(ty: &Type) -> bool {
    last_segment_is(ty, "f64") || last_segment_is(ty, "f32")
}

/// The type of the elements of a list.
pub(crate) fn element_of(ty: &Type) -> Option<&Type> {
    argument_of(ty, "Vec").or_else(|| argument_of(ty, "SpacedList"))
}

/// The type of the numbers in an option: that inside `Option` and lists.
pub(crate) fn number_type(ty: &Type) -> &Type {
    match argument_of(ty, "Option").or_else(|| element_of(ty)) {
        Some(inner) => number_type(inner),
        None => ty,
    }
}

/// The type arguments of `Name<…>`; `None` for any other type.
pub(crate) fn arguments_of(ty: &Type, name: &str) -> Option<Vec<TokenStream>> {
    Some(types_of(ty, name)?.into_iter().map(ToTokens::to_token_stream).collect())
}

/// The only type argument of `Name<…>`.
pub(crate) fn argument_of<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    match types_of(ty, name)?.as_slice() {
        [argument] => Some(argument),
        _ => None,
    }
}

/// The type arguments of `Name<…>`; `None` for any other type.
pub(crate) fn types_of<'t>(ty: &'t Type, name: &str) -> Option<Vec<&'t Type>> {
    let Type::Path(path) = plain(ty) else { return None };
    let segment = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

/// Whether numbers are added, multiplied and so on: `24 * 60 * 60`.
pub(crate) fn is_arithmetic(value: &Expr) -> bool {
    match bare(value) {
        Expr::Paren(paren) => is_arithmetic(&paren.expr),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => is_arithmetic(expr),
        Expr::Binary(ExprBinary { left, op, right, .. }) => {
            let is_known = matches!(op, BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_));
            is_known && is_arithmetic(left) && is_arithmetic(right)
        }
        value => is_number(value),
    }
}

/// Whether a number is written there, perhaps with a minus.
pub(crate) fn is_number(value: &Expr) -> bool {
    match bare(value) {
        Expr::Lit(ExprLit { lit, .. }) => matches!(lit, Lit::Int(_) | Lit::Float(_)),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => is_number(expr),
        _ => false,
    }
}
