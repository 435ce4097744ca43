//! One ranking out of several, by ranks alone.

use std::collections::HashMap;

/// The usual constant of [`reciprocal_rank_fusion`].
pub const RRF_K: f64 = 60.0;

/// Reciprocal-rank fusion: `score(d) = Σ_lists 1 / (k + rank(d))`, ranks from 1, nothing from a list that lacks `d`.
///
/// Scores of different kinds, a cosine and a BM25 sum, cannot be added; their ranks can. A large `k` flattens the
/// difference between the first and the tenth.
///
/// # Arguments
/// - `lists`: rankings of ids, best first; an id that comes again in one list counts at its first place.
/// - `k`: at least 0, commonly [`RRF_K`].
///
/// # Returns
/// Ids with their scores, best first; equal scores by the smaller id.
///
/// # Examples
/// ```
/// use genai::fusion::reciprocal_rank_fusion;
/// let fused = reciprocal_rank_fusion(&[vec![1, 2, 3], vec![3, 1]], 60.0);
/// assert_eq!(fused.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 3, 2]);
/// assert!((fused[0].1 - (1.0 / 61.0 + 1.0 / 62.0)).abs() < 1e-15);
/// ```
///
/// # References
/// Cormack, Clarke and Büttcher (2009), "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods".
pub fn reciprocal_rank_fusion(lists: &[Vec<usize>], k: f64) -> Vec<(usize, f64)> {
    let mut scores: HashMap<usize, f64> = HashMap::new();
    for list in lists {
        let mut seen = std::collections::HashSet::new();
        for (place, &id) in list.iter().enumerate() {
            if seen.insert(id) {
                *scores.entry(id).or_default() += 1.0 / (k + (place + 1) as f64);
            }
        }
    }
    let mut fused: Vec<(usize, f64)> = scores.into_iter().collect();
    fused.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    fused
}

/// Ids without repetition, in the order of their first places: sections out of their chunks.
///
/// # Examples
/// ```
/// assert_eq!(genai::fusion::first_places([4, 4, 2, 4, 9, 2]), [4, 2, 9]);
/// ```
pub fn first_places(ids: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let mut seen = std::collections::HashSet::new();
    ids.into_iter().filter(|id| seen.insert(*id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_twice_in_a_list_counts_once() {
        let fused = reciprocal_rank_fusion(&[vec![5, 5, 5, 2]], 60.0);
        assert_eq!(fused[0].0, 5);
        assert!((fused[0].1 - 1.0 / 61.0).abs() < 1e-15);
        assert!((fused[1].1 - 1.0 / 64.0).abs() < 1e-15);
    }

    #[test]
    fn the_order_of_lists_does_not_matter() {
        let (a, b) = (vec![3, 1, 4, 1, 5], vec![9, 2, 6, 5, 3]);
        assert_eq!(
            reciprocal_rank_fusion(&[a.clone(), b.clone()], 60.0),
            reciprocal_rank_fusion(&[b, a], 60.0)
        );
    }

    #[test]
    fn nothing_in_nothing_out() {
        assert!(reciprocal_rank_fusion(&[], 60.0).is_empty());
        assert!(reciprocal_rank_fusion(&[vec![], vec![]], 60.0).is_empty());
    }
}
