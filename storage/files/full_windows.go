package files

const onWindows = true
