//! Names for models that every vendor calls differently.

use crate::error::Error;
use crate::pin;
use crate::registration::Registration;

/// A name for a model, with what providers call it.
pub(crate) type Alias = (String, Vec<(String, String)>);

/// Returns the names that each registration has for models, its own and those of aliases.
///
/// # Errors
/// [`Error::InvalidConfig`] for an alias without a model, for a provider that
/// is not registered, and for a name that is given twice.
pub(crate) fn names(
    providers: &[Registration],
    aliases: &[Alias],
) -> Result<Vec<Vec<(String, String)>>, Error> {
    let registered: Vec<_> = providers.iter().map(|given| given.provider.name()).collect();
    let mut names: Vec<_> = providers.iter().map(|given| given.names.clone()).collect();
    for (at, (alias, models)) in aliases.iter().enumerate() {
        let twice = aliases.iter().take(at).any(|(earlier, _)| earlier == alias);
        if twice || models.is_empty() || alias.trim().is_empty() {
            let problem = "needs a name of its own and at least one provider's model";
            return refuse(alias, problem);
        }
        for (provider, model) in models {
            let found = pin::find(&registered, provider).map_err(|error| {
                Error::InvalidConfig(format!("the model alias {alias:?} can't be used: {error}"))
            })?;
            if let Some(names) = names.get_mut(found) {
                names.push((alias.clone(), model.clone()));
            }
        }
    }
    names.iter().try_for_each(|names| check(names))?;
    Ok(names)
}

fn check(names: &[(String, String)]) -> Result<(), Error> {
    for (at, (name, own)) in names.iter().enumerate() {
        if own.trim().is_empty() || name.trim().is_empty() {
            return refuse(name, "names a model without a name");
        }
        if names.iter().take(at).any(|(earlier, _)| earlier == name) {
            return refuse(name, "names two models of one provider; name one");
        }
    }
    Ok(())
}

fn refuse<T>(alias: &str, problem: &str) -> Result<T, Error> {
    Err(Error::InvalidConfig(format!("the model alias {alias:?} {problem}")))
}
