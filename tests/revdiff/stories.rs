//! How a story becomes tests: one with each Helm.

/// Makes a test `helm3::name` and a test `helm4::name` of each story.
macro_rules! stories {
    ($($name:ident),+ $(,)?) => {
        mod helm3 {
            $(#[test] fn $name() { super::$name(&crate::user::User::new(crate::environment::Helm::V3, stringify!($name))); })+
        }
        mod helm4 {
            $(#[test] fn $name() { super::$name(&crate::user::User::new(crate::environment::Helm::V4, stringify!($name))); })+
        }
    };
}
