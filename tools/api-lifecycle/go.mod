module example.com/api-lifecycle

go 1.24
