#!/usr/bin/env bash
# Commits the synthesized stacks to the branch `synthesized` of a repository, if they changed.
#   tools/publish.sh REPOSITORY
set -euo pipefail

repository=$1
branch=synthesized
stacks=$PWD/cdktf.out/stacks
source=$(git rev-parse --short HEAD)
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT

git clone --quiet --depth 1 --branch "$branch" "$repository" "$clone" 2>/dev/null ||
  git init --quiet --initial-branch "$branch" "$clone"
cd "$clone"
git rm --quiet -r --ignore-unmatch .
for stack in "$stacks"/*/; do
  mkdir -p "$(basename "$stack")"
  cp "$stack/cdk.tf.json" "$(basename "$stack")/"
done
git add --all
if git diff --cached --quiet; then
  echo "publish: nothing changed"
  exit
fi
git -c user.name=publish -c user.email=publish@users.noreply.github.com \
  commit --quiet --message "Synthesized from $source"
git push --quiet "$repository" "$branch"
echo "publish: pushed $(git rev-parse --short HEAD) to $branch"
